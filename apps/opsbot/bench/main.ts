/** `npm run bench -w @glassline/opsbot`: OpsBot beside a real Icinga2, edges that die, leaders that are replaced, and VNIs given away, as lines of JSON. */
import { askedParts } from "@glassline/bench/parts";

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

const purpose =
  "Measures how soon OpsBot acts, and what it needs; with icinga2, curl and PostgreSQL.";
const asked = askedParts("opsbot", purpose, PARTS, HAS_ICINGA ? undefined : WITHOUT_ICINGA);
if (asked?.parts === WITHOUT_ICINGA) process.stderr.write("icinga2 is not here\n");
if (asked) for (const part of asked.parts) await PARTS[part](asked.isQuick);
