/**
 * Prometheus remote write 1.0 and 2.0. Source: https://prometheus.io/docs/specs/prw/remote_write_spec/,
 * https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
 */
import { fromBinary } from "@bufbuild/protobuf";
import { ExportMetricsServiceRequestSchema } from "@glassline/proto/otlp/metrics-service";
import type { Resource } from "@glassline/proto/otlp/resource";
import { encodeRequest } from "@glassline/remote-write/encode";
import { compress } from "@glassline/remote-write/snappy";
import { messageOf } from "@glassline/service/errors";

import { HttpPost, withoutSecrets } from "./http-post.ts";
import { httpFailure } from "./otlp-outcome.ts";
import type { TargetSettings } from "./settings.ts";
import type { ExportRequest, Outcome, Target } from "./target.ts";

type Settings = Extract<TargetSettings, { kind: "prometheusremotewrite" }>;

export class RemoteWriteTarget implements Target {
  readonly address: string;
  readonly #settings: Settings;
  readonly #http: HttpPost;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#http = new HttpPost(settings);
    this.address = withoutSecrets(settings.url);
  }

  /** Metrics only. What remote write cannot say is told as rejected. */
  async send({ body }: ExportRequest, signal: AbortSignal): Promise<Outcome> {
    const { url, message, suffixes } = this.#settings;
    const { resourceMetrics } = fromBinary(ExportMetricsServiceRequestSchema, body);
    for (const { resource } of resourceMetrics) if (resource) nameInstance(resource);
    const encoded = encodeRequest(message, resourceMetrics, { suffixes });
    const { total } = encoded.rejections;
    const taken: Outcome = {
      kind: "taken",
      rejected: total,
      message: total === 0 ? "" : encoded.rejections.message,
    };
    if (encoded.series === 0) return taken;
    try {
      const answer = await this.#http.post(url, compress(encoded.body), this.#headers(), signal);
      if (answer.status >= 200 && answer.status < 300) return taken;
      return failureOf(answer.status, textOf(answer.body), answer.headers["retry-after"]);
    } catch (error) {
      return { kind: "failed", reason: "unreachable", message: messageOf(error) };
    }
  }

  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }

  #headers(): Record<string, string> {
    const isFirst = this.#settings.message === "prometheus.WriteRequest";
    const parameter = isFirst ? "" : `;proto=${this.#settings.message}`;
    return {
      "content-type": `application/x-protobuf${parameter}`,
      "content-encoding": "snappy",
      "x-prometheus-remote-write-version": isFirst ? "0.1.0" : "2.0.0",
      "user-agent": "glassline-collector",
    };
  }
}

const INSTANCE = "service.instance.id";

/** Prometheus tells resources apart by job and instance only: a camera without an instance is one by its id. */
function nameInstance({ attributes }: Resource): void {
  if (attributes.some(({ key }) => key === INSTANCE)) return;
  const camera = attributes.find(({ key }) => key === "camera.id");
  if (camera) attributes.push({ ...camera, key: INSTANCE });
}

/** "Senders MUST retry write requests on HTTP 5xx responses"; other refusals are as those of OTLP. */
function failureOf(status: number, text: string, retryAfter: string | undefined): Outcome {
  const outcome = httpFailure(status, new Uint8Array(), retryAfter, Date.now());
  const message = text === "" ? `HTTP ${status}` : `HTTP ${status}: ${text}`;
  const reason = `http_${status}`;
  if (status >= 500 && outcome.kind === "refused") return { kind: "failed", reason, message };
  return { ...outcome, message };
}

const TEXT_MAX_BYTES = 500;
const textOf = (body: Uint8Array) =>
  Buffer.from(body.subarray(0, TEXT_MAX_BYTES)).toString().trim();
