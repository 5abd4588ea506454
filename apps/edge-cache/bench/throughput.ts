/** Requests a second that a cache on one core answers from memory, by wrk on another core; in turn, some rounds. */
import { spawn } from "node:child_process";
import { once } from "node:events";

import { median } from "@glassline/bench/median";
import { GENERATOR_CORE } from "@glassline/bench/pinned-process";
import { about, report } from "@glassline/bench/report";

import { PLAYLIST, SEGMENT } from "./origin.ts";
import type { Running } from "./running.ts";

const BENCH = "edge-throughput";

export interface Case {
  object: string;
  path: string;
  connections: number;
}

const CASES: readonly Case[] = [
  { object: "playlist of 1 kB", path: PLAYLIST, connections: 64 },
  { object: "segment of 2 MiB", path: SEGMENT, connections: 16 },
];

interface Measured {
  perSecond: number;
  cpuUs: number;
}

export async function measureThroughput(
  systems: readonly Running[],
  isQuick: boolean,
): Promise<void> {
  about(
    BENCH,
    "HTTP/1.1 from memory, one core for the cache and another for wrk; rounds in turn, the median. CPU is that of the cache, all its processes. Goals: segments 1.0 of the best " +
      "of nginx and Varnish; playlists 0.8 of nginx and 1.1 of Varnish. What bounds playlists: of 18 us an answer 8 are the kernel's and 6 those of node:http (a server of it that does nothing but answer takes 13 in all); the rest is freshness, fields and counts. Neighbours on the same machine cost those with more code more: from run to run the ratio to nginx is 0.58 to 0.86.",
  );
  const [rounds, seconds] = isQuick ? [1, 2] : [5, 4];
  for (const case_ of CASES) {
    const all = new Map(systems.map(({ name }) => [name, [] as Measured[]]));
    for (const { port } of systems) await wrk(port, case_, 1);
    for (let round = 0; round < rounds; round++)
      for (const system of systems)
        all.get(system.name)!.push(await measure(system, case_, seconds));
    const { object, connections } = case_;
    const params = { object, connections, rounds };
    const medians = [...all].map(([system, measured]) => {
      const perSecond = median(measured.map((one) => one.perSecond));
      report(BENCH, "requests", perSecond, "1/s", { ...params, system });
      const cpuUs = median(measured.map((one) => one.cpuUs));
      report(BENCH, "cpu_per_request", cpuUs, "us", { ...params, system });
      return { system, perSecond };
    });
    const [own, ...peers] = medians;
    for (const { system, perSecond } of peers)
      report(BENCH, "ratio", own!.perSecond / perSecond, "x", { ...params, to: system });
  }
}

/** One round of a case. */
export async function measure(
  { process, port }: Running,
  case_: Case,
  seconds: number,
): Promise<Measured> {
  const cpuMs = process.cpuMs();
  const { requests, perSecond } = await wrk(port, case_, seconds);
  return { perSecond, cpuUs: (1_000 * (process.cpuMs() - cpuMs)) / requests };
}

export async function wrk(
  port: number,
  { path, connections }: Case,
  seconds: number,
): Promise<{ requests: number; perSecond: number }> {
  const words = ["-t1", `-c${connections}`, `-d${seconds}s`, `http://127.0.0.1:${port}${path}`];
  const child = spawn("taskset", ["-c", String(GENERATOR_CORE), "wrk", ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await once(child, "close");
  const requests = Number(/(\d+) requests in/.exec(text)?.[1]);
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]);
  const errors =
    /Non-2xx[^\n]*|Socket errors: (?!connect 0, read 0, write 0, timeout 0)[^\n]*/.exec(text);
  if (!(requests > 0) || errors) throw new Error(`wrk: got ${errors?.[0] ?? text}`);
  return { requests, perSecond };
}
