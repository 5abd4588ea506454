/** `npm run bench -w @glassline/enrolment`: signed profiles, as lines of JSON. */
import { measureProfiles } from "./profiles.ts";

const PARTS = { profiles: measureProfiles } as const;
type Part = keyof typeof PARTS;

const words = process.argv.slice(2);
const named = words.filter((word): word is Part => Object.hasOwn(PARTS, word));
if (words.includes("--help"))
  process.stdout.write(`Measures how many signed profiles one core makes.

Usage: npm run bench -w @glassline/enrolment -- [--quick] [${Object.keys(PARTS).join(" ")}]\n`);
else if (words.length > named.length + (words.includes("--quick") ? 1 : 0)) {
  process.stderr.write(
    `got ${words.join(" ")}, expected --quick, ${Object.keys(PARTS).join(", ")} or nothing\n`,
  );
  process.exitCode = 64;
} else
  for (const part of named.length > 0 ? named : (Object.keys(PARTS) as Part[]))
    await PARTS[part](words.includes("--quick"));
