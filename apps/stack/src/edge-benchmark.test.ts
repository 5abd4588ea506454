/** The benchmark of the edge runs, with its peers; what it measures is no matter of tests. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { expect } from "vitest";

import { testWith } from "./testing/requirements.ts";

const MAIN = fileURLToPath(new URL("../../edge-cache/bench/main.ts", import.meta.url));

interface Figure {
  bench: string;
  metric?: string;
  value: number;
  params: { system?: string };
}

/** Those with peers. */
const PARTS = ["throughput", "tls", "connections", "parts"];
/** Of what it said last. */
const SAID_CHARS = 2_000;

testWith(
  "nginx",
  "varnish",
  "wrk",
  "h2load",
)("the edge is measured beside nginx and Varnish", { timeout: 180_000 }, async () => {
  const bench = spawn(process.execPath, [MAIN, "--quick", ...PARTS], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [text, said] = ["", ""];
  bench.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  bench.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-SAID_CHARS)));
  const [code] = (await once(bench, "close")) as [number];
  expect(code, said).toBe(0);
  const figures = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Figure);
  const systemsOf = (metric: string, bench?: string) =>
    figures
      .filter((figure) => figure.metric === metric && figure.value > 0)
      .filter((figure) => bench === undefined || figure.bench === bench)
      .map(({ params }) => params.system)
      // Traffic Server is measured where it is.
      .filter((system) => system !== "trafficserver");
  const all = ["glassline", "nginx", "varnish"];
  expect(systemsOf("requests", "edge-throughput")).toEqual([...all, ...all]);
  expect(systemsOf("requests", "edge-tls")).toEqual(["glassline", "nginx"]);
  expect(systemsOf("memory_per_connection")).toEqual(["glassline"]);
  // Rounds told apart, and rounds one after another.
  expect(systemsOf("last_byte_p99")).toEqual([...all, ...all]);
});
