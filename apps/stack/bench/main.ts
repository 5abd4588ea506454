/** `npm run bench -w @glassline/stack`: channels from nothing to their viewers, and applied again, as lines of JSON. */
import { inOwnNetwork, isInOwnNetwork } from "../src/testing/own-network.ts";
import { measureAgain } from "./again.ts";
import { measureFlow } from "./flow.ts";
import { measureMachineDeath } from "./machine-death.ts";

const PARTS = {
  flow: inside("flow", measureFlow),
  "machine-death": inside("machine-death", measureMachineDeath),
  again: measureAgain,
} as const;
type Part = keyof typeof PARTS;

const words = process.argv.slice(2);
const named = words.filter((word): word is Part => Object.hasOwn(PARTS, word));
if (words.includes("--help"))
  process.stdout
    .write(`Measures how long channels take. flow and machine-death need root, icinga2, runc, iproute2 and nftables.

Usage: npm run bench -w @glassline/stack -- [--quick] [${Object.keys(PARTS).join(" ")}]\n`);
else if (words.length > named.length + (words.includes("--quick") ? 1 : 0)) {
  process.stderr.write(
    `got ${words.join(" ")}, expected --quick, ${Object.keys(PARTS).join(", ")} or nothing\n`,
  );
  process.exitCode = 64;
} else {
  const parts = named.length > 0 ? named : (Object.keys(PARTS) as Part[]);
  for (const part of parts) await PARTS[part](words.includes("--quick"));
}

/** What makes a network of its own is a process of its own there. */
function inside(part: string, measure: (isQuick: boolean) => Promise<void>): typeof measure {
  return async (isQuick) => {
    if (isInOwnNetwork()) return measure(isQuick);
    const more = isQuick ? ["--quick"] : [];
    process.exitCode = await inOwnNetwork(import.meta.filename, [part, ...more]);
  };
}
