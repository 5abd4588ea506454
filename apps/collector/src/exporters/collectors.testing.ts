/** Collectors that export to one another over TLS, in this process and as processes of their own, for tests. */
import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readConfig } from "@glassline/config";
import { systemClock } from "@glassline/service/clock";
import { readIdentity } from "@glassline/service/identity";
import { createLogger } from "@glassline/service/logger";
import type { Ready } from "@glassline/service/main";
import { createMetrics } from "@glassline/service/metrics";
import { ensureDevelopmentPki } from "@glassline/service/pki";
import { trace } from "@opentelemetry/api";

import type { Collector } from "../collector.ts";
import { startCollector } from "../collector.ts";
import { program } from "../config.ts";
import type { SignalName } from "../core/otlp-items.ts";
import { SIGNAL_NAMES } from "../core/otlp-items.ts";
import { openFileLog } from "../stores/file-log.ts";
import { logsRequest, textsIn } from "./exporter.testing.ts";

export const TOKEN = "a-token-for-tests";
const NAME = { role: "collector", instance: "collector" } as const;
const COMMON = ["--port=0", "--admin-port=0", "--log-level=error"];

type Addresses = Collector["addresses"];

export interface RunningCollector extends AsyncDisposable {
  addresses: Addresses;
  /** A metric's values, by its last label. */
  values(name: string): Promise<Record<string, number>>;
}

export class Collectors implements AsyncDisposable {
  readonly directory: string;
  readonly #stack = new AsyncDisposableStack();

  private constructor(directory: string) {
    this.directory = directory;
    this.#stack.defer(() => rm(directory, { recursive: true, force: true }));
  }

  static async open(): Promise<Collectors> {
    const collectors = new Collectors(await mkdtemp(join(tmpdir(), "glassline-collectors-")));
    await ensureDevelopmentPki(collectors.pkiDir, [NAME]);
    return collectors;
  }

  get pkiDir(): string {
    return join(this.directory, "pki");
  }

  /** One that takes OTLP with a token over TLS; its folder stays when it is stopped. */
  target(ports: Partial<Addresses> = {}): Promise<RunningCollector> {
    const { otlpGrpcPort = 0, otlpHttpPort = 0 } = ports;
    const listen = [`--otlp-grpc-port=${otlpGrpcPort}`, `--otlp-http-port=${otlpHttpPort}`];
    return this.start("target", [...listen, `--otlp-token=${TOKEN}`]);
  }

  /** A file with one exporter, which takes OTLP over HTTP without TLS, on loopback. */
  async exporterFile(
    id: string,
    lines: readonly string[],
    signals: readonly SignalName[] = SIGNAL_NAMES,
  ): Promise<string> {
    const path = join(this.directory, `${id}.yaml`);
    const text = `
receivers:
  otlp:
    protocols:
      http:
        endpoint: localhost:0
exporters:
  ${id}:
    headers:
      authorization: Bearer \${env:TARGET_TOKEN}
    tls:
      ca_file: ${join(this.pkiDir, "ca.pem")}
    retry_on_failure: {initial_interval: 20ms, max_interval: 200ms}
${lines.map((line) => `    ${line}`).join("\n")}
service:
  pipelines:
${signals.map((signal) => `    ${signal}: {receivers: [otlp], exporters: [${id}]}`).join("\n")}
`;
    await writeFile(path, text);
    return path;
  }

  async start(name: string, words: readonly string[]): Promise<RunningCollector> {
    const result = readConfig(program, {
      arguments: [...COMMON, `--data-dir=${join(this.directory, name)}`, ...words],
      environment: { TARGET_TOKEN: TOKEN },
    });
    if (!("config" in result)) throw new Error("got help, expected a configuration");
    const metrics = createMetrics("collector");
    const collector = this.#stack.use(
      await startCollector(result.config, {
        identity: await readIdentity(this.pkiDir, NAME),
        clock: systemClock,
        random: Math.random,
        logger: createLogger("collector", "silent"),
        metrics,
        stopping: new AbortController().signal,
        startAnew: () => {},
        tracerProvider: trace.getTracerProvider(),
      }),
    );
    return {
      addresses: collector.addresses,
      values: async (metric) => {
        const found = await metrics.registry.getSingleMetric(`glassline_${metric}`)!.get();
        return Object.fromEntries(
          found.values
            .filter(({ value }) => Number(value) > 0)
            .map(({ labels, value }) => [String(Object.values(labels).at(-1)), Number(value)]),
        );
      },
      [Symbol.asyncDispose]: () => collector[Symbol.asyncDispose](),
    };
  }

  /** A process of its own, which can be killed. */
  async spawn(name: string, words: readonly string[]): Promise<[ChildProcess, Addresses]> {
    const main = new URL("../main.ts", import.meta.url).pathname;
    const folders = [`--data-dir=${join(this.directory, name)}`, `--pki-dir=${this.pkiDir}`];
    const child = fork(main, [...COMMON, ...folders, ...words], {
      env: { ...process.env, TARGET_TOKEN: TOKEN },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#stack.defer(() => kill(child));
    const [message] = (await once(child, "message")) as [Ready];
    return [child, message.ready as unknown as Addresses];
  }

  /** Bodies of the log records in the log of a collector that has been stopped. */
  async storedTexts(name: string): Promise<string[]> {
    const directory = join(this.directory, name, "log");
    const limits = { segmentMaxBytes: 1_048_576, maxBytes: 1_073_741_824 };
    await using log = await openFileLog({ directory, ...limits }, () => ({}));
    const records = await Array.fromAsync(log.read(1), ({ record }) => record.record);
    return records.flatMap((record) => (record.case === "otlpLogs" ? textsIn(record.value) : []));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** A request for each text. */
export async function sendLogs(port: number, texts: readonly string[]): Promise<void> {
  for (const text of texts) await post(port, "/v1/logs", logsRequest(text));
}

/** One OTLP request over HTTP without TLS; fails unless it is taken. */
export async function post(port: number, path: string, body: Uint8Array): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const options = { port, host: "localhost", path, method: "POST" };
  const headers = { "content-type": "application/x-protobuf" };
  request({ ...options, headers }, (response) => {
    response.resume().on("end", () => resolve(response.statusCode!));
  })
    .on("error", reject)
    .end(body);
  const status = await promise;
  if (status !== 200) throw new Error(`status: got ${status}, expected 200`);
}
