/** What a collector gives to others: Debian's Prometheus scrapes it, promtool reads its metrics, VictoriaMetrics takes its remote write. */
import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect } from "vitest";

import { freePort } from "@glassline/bench/ports";
import { startProgram } from "./testing/programs.ts";
import { PROMETHEUS, PROMTOOL, VICTORIA_METRICS, testWith } from "./testing/requirements.ts";
import { fixedSource, seriesOf } from "./testing/sources.ts";
import { Testbed, eventually } from "./testing/testbed.ts";

const CAMERA = "cam-exported";

let bed: Testbed;
beforeEach(async () => {
  bed = await Testbed.open();
});
afterEach(() => bed[Symbol.asyncDispose]());

/** A collector, a gateway, and a camera whose counter stands at 42. */
async function network(words: Parameters<Testbed["collector"]>[0] = {}) {
  const collector = await bed.collector(words);
  const gateway = await bed.meshNode("node-1", {
    gateway: true,
    collector: `localhost:${collector.addresses.port}`,
  });
  const sample = {
    series: seriesOf(CAMERA),
    timeUnixNano: BigInt(Date.now()) * 1_000_000n,
    value: 42,
  };
  await bed.camera("agent-1", gateway.addresses.port, [fixedSource(CAMERA, [sample])]);
  return collector;
}

interface Answer {
  data: { result: { metric: Record<string, string>; value: [number, string] }[] };
}

async function ask(url: string, query: string): Promise<Answer["data"]["result"]> {
  const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`);
  return response.ok ? ((await response.json()) as Answer).data.result : [];
}

describe("a collector's metrics", { timeout: 60_000 }, () => {
  testWith("prometheus", "promtool")(
    "are as promtool wants them, and Prometheus scrapes them with what the fleet says",
    async () => {
      const { addresses } = await network({ "silence-limit": "1m" });
      const target = `127.0.0.1:${addresses.adminPort}`;
      const text = await eventually("the fleet is in the metrics", async () => {
        const metrics = await (await fetch(`http://${target}/metrics`)).text();
        return metrics.includes("fleet_latest{") ? metrics : undefined;
      });
      const checked = spawnSync(PROMTOOL, ["check", "metrics"], { input: text, encoding: "utf8" });
      expect(`${checked.stdout}${checked.stderr}`).toBe("");
      expect(checked.status).toBe(0);

      const file = join(bed.directory, "scrape.yml");
      const scrape = { job_name: "glassline", static_configs: [{ targets: [target] }] };
      const config = { global: { scrape_interval: "200ms" }, scrape_configs: [scrape] };
      await writeFile(file, JSON.stringify(config));
      const url = `http://127.0.0.1:${await freePort()}`;
      await using _prometheus = startProgram(PROMETHEUS, [
        `--config.file=${file}`,
        `--storage.tsdb.path=${join(bed.directory, "scraped")}`,
        `--web.listen-address=${url.replace("http://", "")}`,
      ]);
      const query = 'glassline_fleet_latest{metric="camera.frames.captured",stat="sum"}';
      const [found] = await eventually("Prometheus has it", async () => {
        const result = await ask(url, query).catch(() => []);
        return result.length > 0 ? result : undefined;
      });
      expect(found!.value[1]).toBe("42");
    },
  );
});

describe("a collector's remote write", { timeout: 60_000 }, () => {
  testWith("victoria-metrics")("brings what cameras measure to VictoriaMetrics", async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    await using _program = startProgram(VICTORIA_METRICS, [
      `-httpListenAddr=127.0.0.1:${port}`,
      `-storageDataPath=${join(bed.directory, "exported")}`,
    ]);
    const file = join(bed.directory, "collector.yaml");
    await writeFile(
      file,
      `receivers:
  otqmn:
exporters:
  prometheusremotewrite:
    endpoint: ${url}/api/v1/write
    tls:
      insecure: true
service:
  pipelines:
    metrics:
      receivers: [otqmn]
      exporters: [prometheusremotewrite]
`,
    );
    await network({ config: file });
    const match = `match[]=${encodeURIComponent(`{instance="${CAMERA}"}`)}`;
    const text = await eventually("VictoriaMetrics has it", async () => {
      await fetch(`${url}/internal/force_flush`).catch(() => {});
      const answer = await fetch(`${url}/api/v1/export?${match}`).catch(() => undefined);
      const lines = (await answer?.text()) ?? "";
      return lines.includes("camera_frames_captured") ? lines : undefined;
    });
    const line = text.split("\n").find((one) => one.includes("camera_frames_captured"))!;
    expect(JSON.parse(line)).toMatchObject({ metric: { instance: CAMERA }, values: [42] });
  });
});
