/** `npm run bench -w @glassline/collector [-- --quick] [PART ...]`: one JSON line a figure. */
import { statfsSync } from "node:fs";
import { tmpdir } from "node:os";

import { pinGenerator } from "@glassline/bench/pinned-process";
import { about } from "@glassline/bench/report";
import type { Program } from "@glassline/config";
import { toggle } from "@glassline/config";
import { readWordsOrExplain } from "@glassline/service/main";

import { measureBlockCost } from "./block-cost.ts";
import { measureDayRange } from "./day-range.ts";
import type { Encoding } from "./encodings.ts";
import { encodeBody } from "./encodings.ts";
import { measureFleetList } from "./fleet-list.ts";
import { fleetRequests, pointsIn } from "./fleet-requests.ts";
import { glassline } from "./glassline.ts";
import { measureMemory } from "./memory.ts";
import { measureOtqmn, measureShards } from "./otqmn-ingestion.ts";
import { BENCH, measureIngestion } from "./ingestion.ts";
import { otelcolSystems } from "./otelcol.ts";
import { measureOverloads } from "./overload-senders.ts";
import { OTELCOL_VERSION, otelcolBinary } from "./peers/build.ts";
import { measureRestart } from "./restart.ts";
import type { System } from "./system.ts";
import { measureWireBytes } from "./wire-bytes.ts";

const CAMERAS = [20, 200] as const;
const BODIES = 300;
/** See statfs(2). */
const TMPFS_MAGIC = 0x01021994;

/** Of the parts, those that take under a minute together; each of the others by its name. */
const QUICK = ["lists", "ranges", "otqmn", "otlp"];
const spec = { quick: toggle({ help: `Shorter; without a PART: ${QUICK.join(", ")}.` }) };
const program: Program<typeof spec> = {
  name: "bench",
  command: "npm run bench -w @glassline/collector --",
  purpose:
    "Measures the collector, beside the OpenTelemetry Collector where Go is there. One JSON line a figure.",
  environmentPrefix: "GLASSLINE_BENCH",
  words: "[lists|ranges|shards|otqmn|wire|memory|blocks|restart|overload|otlp...]",
  spec,
};
const asked = readWordsOrExplain(program);
const isQuick = asked?.config.quick ?? false;
const times = isQuick
  ? { warmupMs: 1_000, measureMs: 2_000 }
  : { warmupMs: 3_000, measureMs: 6_000 };
const protocols = isQuick ? (["grpc"] as const) : (["grpc", "http"] as const);
const encodings: readonly Encoding[] = isQuick ? ["identity"] : ["identity", "gzip", "zstd"];

/** Those before `otqmn` run on all cores, as the generator does. */
const PARTS: Readonly<Record<string, () => Promise<void>>> = {
  lists: async () => measureFleetList(isQuick),
  ranges: () => measureDayRange(isQuick),
  shards: () => measureShards(times, isQuick),
  otqmn: () => pinned(() => measureOtqmn(times, isQuick)),
  wire: () => pinned(() => measureWireBytes(isQuick)),
  memory: () => pinned(() => measureMemory(isQuick)),
  blocks: () => pinned(() => measureBlockCost(isQuick)),
  restart: () => pinned(() => measureRestart(isQuick)),
  overload: () => pinned(() => measureOverloads(isQuick)),
  otlp: () => pinned(measureOtlp),
};

const words = asked?.words ?? [];
const unknown = words.find((word) => !Object.hasOwn(PARTS, word));
if (unknown !== undefined) {
  const known = Object.keys(PARTS).join(", ");
  process.stderr.write(`got ${unknown}, expected --quick, or some of ${known}\n`);
  process.exitCode = 64;
} else if (asked && process.platform === "linux")
  await main(words.length > 0 ? words : isQuick ? QUICK : Object.keys(PARTS));
else if (asked)
  about(
    BENCH,
    `Did not run: got ${process.platform}, expected Linux, whose /proc tells CPU times.`,
  );

async function main(names: readonly string[]): Promise<void> {
  if (statfsSync(tmpdir()).type === TMPFS_MAGIC)
    about(BENCH, "Data lay in memory (tmpfs), where syncing costs nothing: set TMPDIR to a disk.");
  for (const name of names) await PARTS[name]!();
}

async function measureOtlp(): Promise<void> {
  about(
    BENCH,
    `OTLP metrics of the fleet model into a collector on one core; the load generator has another. A closed loop of requests that are encoded and compressed beforehand ` +
      `(${BODIES} of them, in turn). Glassline acknowledges what is synced to disk. "otelcol, nop" keeps nothing; "otelcol, queue" acknowledges what is in its persistent queue ` +
      `(file_storage), without and with fsync. Latencies are those at full load. Where neither the system nor the generator is near 100 % of a core, the disk is the bound, or other processes (cpu of others, of all cores) are: then compare by CPU a point. ` +
      `Resident memory counts pages of mapped files, as the queue's is. Goals: 500,000 points/s (250,000 with gzip), and ahead of the Collector: of the queue with fsync, which promises the same; ` +
      `the queue without may lose what it acknowledged with the machine's power.`,
  );
  const systems = [glassline, ...(await peers())];
  for (const cameras of CAMERAS) {
    const requests = fleetRequests(cameras, BODIES, BigInt(Date.now()) * 1_000_000n);
    for (const encoding of encodings) {
      const bodies = requests.map((request) => encodeBody(request, encoding));
      for (const protocol of protocols) {
        const case_ = { protocol, encoding, pointsPerRequest: pointsIn(cameras), bodies };
        for (const system of systems) await measureIngestion(system, case_, times);
      }
    }
  }
}

function pinned(measure: () => Promise<void>): Promise<void> {
  pinGenerator();
  return measure();
}

async function peers(): Promise<System[]> {
  const binary = await otelcolBinary(!isQuick);
  if ("why" in binary) {
    about(BENCH, `Ran without the OpenTelemetry Collector ${OTELCOL_VERSION}: ${binary.why}.`);
    return [];
  }
  about(BENCH, `Peer: OpenTelemetry Collector ${OTELCOL_VERSION}, memory_limiter, GOMAXPROCS=1.`);
  return otelcolSystems(binary.path);
}
