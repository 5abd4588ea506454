/** What tokens of viewers and the access log cost: the edge with and without them, in turn. */
import { execFileSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { median } from "@glassline/bench/median";
import { about, report } from "@glassline/bench/report";

import { partPath } from "./origin.ts";
import type { Place, Running } from "./running.ts";
import { glasslineWith, startIn } from "./systems.ts";
import type { Case } from "./throughput.ts";
import { measure, wrk } from "./throughput.ts";

const BENCH = "edge-access";
const CONNECTIONS = 64;
const TOKEN_MAIN = fileURLToPath(new URL("../src/token-main.ts", import.meta.url));

interface Setting {
  name: string;
  flags: readonly string[];
  query: string;
}

export async function measureAccess(
  _systems: readonly Running[],
  isQuick: boolean,
  { directory, originPort }: Place,
): Promise<void> {
  about(
    BENCH,
    "a part of 30 kB from memory, HTTP/1.1, one core; CPU of the edge a request, rounds in turn, the median. Settings: nothing; a token in the query; an access log of all requests, and of 1 %.",
  );
  const [rounds, seconds] = isQuick ? [1, 2] : [5, 4];
  await using stack = new AsyncDisposableStack();
  const running: (Running & { case_: Case })[] = [];
  for (const { name, flags, query } of settingsIn(await own(directory))) {
    const started = await startIn(glasslineWith(name, flags), directory, originPort);
    stack.use(started);
    const case_ = { object: "part", path: `${partPath(1)}${query}`, connections: CONNECTIONS };
    running.push({ ...started, case_ });
  }
  const all = new Map(
    running.map(({ name }) => [name, [] as { perSecond: number; cpuUs: number }[]]),
  );
  for (const { port, case_ } of running) await wrk(port, case_, 1);
  for (let round = 0; round < rounds; round++)
    for (const one of running) all.get(one.name)!.push(await measure(one, one.case_, seconds));
  for (const [setting, measured] of all) {
    const params = { setting, connections: CONNECTIONS, rounds };
    report(BENCH, "answers", median(measured.map((one) => one.perSecond)), "1/s", params);
    report(BENCH, "cpu_per_request", median(measured.map((one) => one.cpuUs)), "us", params);
  }
}

async function own(directory: string): Promise<string> {
  const path = join(directory, "access");
  await mkdir(path, { recursive: true });
  return path;
}

function settingsIn(directory: string): Setting[] {
  const [key, keys] = [join(directory, "key.json"), join(directory, "keys.json")];
  const tool = (...words: readonly string[]) =>
    execFileSync(process.execPath, [TOKEN_MAIN, `--key=${key}`, ...words], { encoding: "utf8" });
  tool("--new-key", `--token-keys=${keys}`);
  const token = tool("--channel=bench", "--client=bench").trim();
  const log = (sample: number) => [
    `--access-log=${join(directory, `access-${sample}.log`)}`,
    `--access-log-sample=${sample}`,
  ];
  return [
    { name: "plain", flags: [], query: "" },
    {
      name: "token",
      flags: ["--protect=/live/", `--token-keys=${keys}`],
      query: `?access_token=${token}`,
    },
    { name: "log-1", flags: log(1), query: "" },
    { name: "log-0.01", flags: log(0.01), query: "" },
  ];
}
