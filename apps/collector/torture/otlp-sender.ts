/** An OTLP exporter as the specification wants it: one request at a time, sent again until it is answered. */
import { setTimeout as delay } from "node:timers/promises";

import { create, toBinary } from "@bufbuild/protobuf";
import { GaugeSchema, MetricSchema, ResourceMetricsSchema } from "@glassline/proto/otlp/metrics";
import { ExportMetricsServiceRequestSchema } from "@glassline/proto/otlp/metrics-service";

import type { CountedPoints } from "./counted-points.ts";
import { METRIC } from "./counted-points.ts";
import type { Sender } from "./sender.ts";

const RETRY_MS = 50;
const ANSWER_TIMEOUT_MS = 5_000;

export interface OtlpSenderOptions {
  /** Of OTLP over plain HTTP. */
  port: number;
  token: string;
  points: CountedPoints;
  /** Points a request, half as many to half again as many. */
  requestPoints: number;
  intervalMs: number;
  random: () => number;
}

export class OtlpSender implements Sender {
  readonly points: CountedPoints;
  readonly #options: OtlpSenderOptions;
  readonly #repeated = new Set<number>();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  acknowledged = 0;
  made = 0;
  isConnected = false;
  failure: string | undefined;

  constructor(options: OtlpSenderOptions) {
    this.#options = options;
    this.points = options.points;
    this.#running = this.#run();
  }

  mayRepeat(point: number): boolean {
    return this.#repeated.has(point);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { requestPoints, intervalMs, random } = this.#options;
    while (!signal.aborted && this.failure === undefined) {
      const size = Math.max(1, Math.round(requestPoints * (0.5 + random())));
      const first = this.made + 1;
      this.made += size;
      await this.#deliver(encode(this.points, first, this.made), first);
      await delay(intervalMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Resolves when it is answered, or when the sender stops. */
  async #deliver(body: Uint8Array<ArrayBuffer>, first: number): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted && this.failure === undefined) {
      if (await this.#send(body)) {
        this.acknowledged = this.made;
        return;
      }
      // What was not answered may be stored all the same.
      for (let point = first; point <= this.made; point++) this.#repeated.add(point);
      await delay(RETRY_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #send(body: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const { port, token } = this.#options;
    this.isConnected = true;
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/v1/metrics`, {
        method: "POST",
        headers: { "content-type": "application/x-protobuf", authorization: `Bearer ${token}` },
        body,
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      });
      const said = await answer.bytes();
      if (answer.status === 503) return false;
      if (answer.status !== 200 || said.length > 0)
        this.failure = `OTLP: got ${answer.status} ${Buffer.from(said).toString()}, expected 200`;
      return this.failure === undefined;
    } catch {
      return false; // cut, or nobody listens
    } finally {
      this.isConnected = false;
    }
  }
}

function encode(points: CountedPoints, first: number, last: number): Uint8Array<ArrayBuffer> {
  const numbers = Array.from({ length: last - first + 1 }, (_, at) => first + at);
  const dataPoints = numbers.map((point) => ({
    timeUnixNano: points.timeUnixNano(point),
    value: { case: "asDouble", value: points.value(point) } as const,
    attributes: [
      {
        key: "lane",
        value: { value: { case: "stringValue", value: lane(points, point) } as const },
      },
    ],
  }));
  const gauge = create(GaugeSchema, { dataPoints });
  const metric = create(MetricSchema, {
    name: METRIC,
    unit: "{frame}",
    data: { case: "gauge", value: gauge },
  });
  const camera = { case: "stringValue", value: points.cameraId } as const;
  const resourceMetrics = [
    create(ResourceMetricsSchema, {
      resource: { attributes: [{ key: "camera.id", value: { value: camera } }] },
      scopeMetrics: [{ scope: { name: "torture" }, metrics: [metric] }],
    }),
  ];
  return toBinary(
    ExportMetricsServiceRequestSchema,
    create(ExportMetricsServiceRequestSchema, { resourceMetrics }),
  ) as Uint8Array<ArrayBuffer>;
}

function lane(points: CountedPoints, point: number): string {
  return points.series[points.seriesIndex(point)]!.attributes["lane"]!;
}
