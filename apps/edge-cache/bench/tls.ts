/** Requests a second over TLS 1.3 and HTTP/2, by h2load on another core; in turn, some rounds. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";

import { median } from "@glassline/bench/median";
import { GENERATOR_CORE } from "@glassline/bench/pinned-process";
import { about, report } from "@glassline/bench/report";

import { PLAYLIST, SEGMENT } from "./origin.ts";
import type { Running } from "./running.ts";

const BENCH = "edge-tls";

interface Case {
  object: string;
  path: string;
  connections: number;
  /** Requests of a connection at a time. */
  streams: number;
  /** Of a round: by number, so that compilers have seen the code on a machine that is busy, too. */
  requests: number;
}

const [PLAYLISTS, SEGMENTS] = [40_000, 400];
/** Quick: of these. */
const QUICK_SHARE = 0.1;

const CASES: readonly Case[] = [
  { object: "playlist of 1 kB", path: PLAYLIST, connections: 64, streams: 1, requests: PLAYLISTS },
  { object: "playlist of 1 kB", path: PLAYLIST, connections: 16, streams: 10, requests: PLAYLISTS },
  { object: "segment of 2 MiB", path: SEGMENT, connections: 16, streams: 1, requests: SEGMENTS },
  { object: "segment of 2 MiB", path: SEGMENT, connections: 4, streams: 10, requests: SEGMENTS },
];

interface Measured {
  perSecond: number;
  cpuUs: number;
}

export async function measureTls(systems: readonly Running[], isQuick: boolean): Promise<void> {
  about(
    BENCH,
    "HTTP/2 over TLS 1.3 from memory, the same certificate (ECDSA P-256) and cipher (AES-256-GCM); one core for the cache and another for h2load, whose windows hold all. Rounds in turn, " +
      "the median. CPU is that of the cache, all its processes. Goals: segments 1.25 of nginx; playlists 0.55 of it. What bounds playlists with one stream a connection: node:http2; a server of it that does nothing but answer is no faster.",
  );
  if (spawnSync("h2load", ["--version"]).error)
    return about(BENCH, "Did not run: h2load is not installed (Debian: nghttp2-client).");
  const rounds = isQuick ? 1 : 5;
  for (const full of isQuick ? CASES.slice(0, 1) : CASES) {
    const case_ = isQuick ? { ...full, requests: full.requests * QUICK_SHARE } : full;
    const all = new Map<string, Measured[]>();
    for (let round = -1; round < rounds; round++)
      for (const { name, process, tlsPort } of systems) {
        if (tlsPort === undefined) continue;
        const measured = await measure(process, tlsPort, case_);
        if (round >= 0) all.set(name, [...(all.get(name) ?? []), measured]);
      }
    tell(case_, rounds, all);
  }
}

function tell(
  { object, connections, streams }: Case,
  rounds: number,
  all: ReadonlyMap<string, readonly Measured[]>,
): void {
  const params = { object, connections, streams, rounds };
  const medians = [...all].map(([system, measured]) => {
    const perSecond = median(measured.map((one) => one.perSecond));
    const cpuUs = median(measured.map((one) => one.cpuUs));
    report(BENCH, "requests", perSecond, "1/s", { ...params, system });
    report(BENCH, "cpu_per_request", cpuUs, "us", { ...params, system });
    return { system, perSecond, cpuUs };
  });
  const [own, ...peers] = medians;
  for (const { system, perSecond, cpuUs } of peers) {
    report(BENCH, "ratio", own!.perSecond / perSecond, "x", { ...params, to: system });
    report(BENCH, "ratio_by_cpu", cpuUs / own!.cpuUs, "x", { ...params, to: system });
  }
}

async function measure(process: Running["process"], port: number, case_: Case): Promise<Measured> {
  const cpuMs = process.cpuMs();
  const { requests, perSecond } = await h2load(port, case_);
  return { perSecond, cpuUs: (1_000 * (process.cpuMs() - cpuMs)) / requests };
}

async function h2load(
  port: number,
  { path, connections, streams, requests: count }: Case,
): Promise<{ requests: number; perSecond: number }> {
  const words = [`-c${connections}`, `-m${streams}`, "-t1", `-n${count}`];
  const target = `https://127.0.0.1:${port}${path}`;
  const child = spawn("taskset", ["-c", String(GENERATOR_CORE), "h2load", ...words, target], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await once(child, "close");
  const counts = /(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/.exec(text);
  const [requests = 0, ...wrong] = (counts ?? []).slice(1).map(Number);
  const others = /status codes: \d+ 2xx, 0 3xx, 0 4xx, 0 5xx/.test(text);
  const perSecond = Number(/finished in [\d.]+m?s, ([\d.]+) req\/s/.exec(text)?.[1]);
  const isH2 = /Application protocol: h2/.test(text) && /TLS Protocol: TLSv1\.3/.test(text);
  if (!(requests > 0) || !others || !isH2 || wrong.some((count) => count > 0))
    throw new Error(`h2load: got ${text}`);
  return { requests, perSecond };
}
