/** OTLP/HTTP with protobuf. Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp */
import { promisify } from "node:util";
import { gzip } from "node:zlib";

import { messageOf } from "@glassline/service/errors";

import { HttpPost, withoutSecrets } from "./http-post.ts";
import { httpFailure, taken } from "./otlp-outcome.ts";
import type { TargetSettings } from "./settings.ts";
import type { ExportRequest, Outcome, Target } from "./target.ts";

const compress = promisify(gzip);
const MEDIA_TYPE = { "content-type": "application/x-protobuf" };

type Settings = Extract<TargetSettings, { kind: "otlphttp" }>;

export class OtlpHttpTarget implements Target {
  readonly address: string;
  readonly #settings: Settings;
  readonly #http: HttpPost;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#http = new HttpPost(settings);
    const urls = Object.values(settings.urls).filter((url) => url !== undefined);
    this.address = [...new Set(urls)].map(withoutSecrets).join(", ");
  }

  async send({ signal: name, body }: ExportRequest, signal: AbortSignal): Promise<Outcome> {
    const { urls, compression } = this.#settings;
    const isPacked = compression === "gzip";
    const headers = { ...MEDIA_TYPE, ...(isPacked && { "content-encoding": "gzip" }) };
    try {
      const packed = isPacked ? await compress(body) : body;
      const answer = await this.#http.post(urls[name]!, packed, headers, signal);
      if (answer.status >= 200 && answer.status < 300) return taken(name, answer.body);
      return httpFailure(answer.status, answer.body, answer.headers["retry-after"], Date.now());
    } catch (error) {
      return { kind: "failed", reason: "unreachable", message: messageOf(error) };
    }
  }

  [Symbol.dispose](): void {
    this.#http[Symbol.dispose]();
  }
}
