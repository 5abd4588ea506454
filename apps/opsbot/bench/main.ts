/** `npm run bench -w @glassline/opsbot`: OpsBot beside a real Icinga2, edges that die, leaders that are replaced, and VNIs given away, as lines of JSON. */
import { HAS_ICINGA } from "../src/observers/icinga/icinga.testing.ts";
import { measureIcingaLatency } from "./icinga-latency.ts";
import { measureSeeding } from "./seeding.ts";
import { measureStorm } from "./storm.ts";
import { measureTakeover } from "./takeover.ts";
import { measureViewersFailover } from "./viewers-failover.ts";
import { measureVnis } from "./vnis.ts";

const PARTS = {
  "icinga-latency": measureIcingaLatency,
  "viewers-failover": measureViewersFailover,
  storm: measureStorm,
  takeover: measureTakeover,
  seeding: measureSeeding,
  vnis: measureVnis,
} as const;
type Part = keyof typeof PARTS;
const WITHOUT_ICINGA: readonly Part[] = ["viewers-failover", "takeover", "seeding", "vnis"];

const words = process.argv.slice(2);
const named = words.filter((word): word is Part => Object.hasOwn(PARTS, word));
if (words.includes("--help"))
  process.stdout
    .write(`Measures how soon OpsBot acts, and what it needs; with icinga2, curl and PostgreSQL.

Usage: npm run bench -w @glassline/opsbot -- [--quick] [${Object.keys(PARTS).join(" ")}]\n`);
else if (words.length > named.length + (words.includes("--quick") ? 1 : 0)) {
  process.stderr.write(
    `got ${words.join(" ")}, expected --quick, ${Object.keys(PARTS).join(", ")} or nothing\n`,
  );
  process.exitCode = 64;
} else {
  const all = Object.keys(PARTS) as Part[];
  if (!HAS_ICINGA && named.length === 0) process.stderr.write("icinga2 is not here\n");
  const parts = named.length > 0 ? named : HAS_ICINGA ? all : WITHOUT_ICINGA;
  for (const part of parts) await PARTS[part](words.includes("--quick"));
}
