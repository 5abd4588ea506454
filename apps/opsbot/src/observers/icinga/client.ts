/**
 * Icinga's REST API: TLS always, kept connections, bounded answers. Only hosts of deployed channels are ever deleted.
 * Source: https://icinga.com/docs/icinga-2/latest/doc/12-icinga2-api/
 */
import type { IncomingMessage } from "node:http";
import type { RequestOptions } from "node:https";
import { Agent, request } from "node:https";

import { messageOf, systemCodeOf } from "@glassline/service/errors";

import { isRecord } from "../../core/json-values.ts";
import { IcingaError } from "./icinga-error.ts";
import type { IcingaSettings } from "./settings.ts";
import { tlsOf } from "./settings.ts";

/** A thousand services with their results are 1 to 2 MB. */
const ANSWER_MAX_BYTES = 33_554_432;
const TIMEOUT_MS = 5_000;
const CONNECTIONS_MAX = 4;
const TCP_KEEP_ALIVE_MS = 10_000;
const STATUS_SHOWN_CHARS = 200;
const MICROSECONDS_PER_SECOND = 1e6;
const NANO_PER_MICROSECOND = 1_000n;
/** Of deploy/icinga2/templates.conf. */
const HOST_TEMPLATE = "glassline-host";

export interface Query {
  type: "hosts" | "services" | "comments" | "downtimes" | "endpoints";
  /** A fixed text: what varies is named in it, and given by filterVars. */
  filter: string;
  filterVars: Readonly<Record<string, unknown>>;
  attrs: readonly string[];
  joins?: readonly string[];
}

export type ActionName =
  | "acknowledge-problem"
  | "remove-acknowledgement"
  | "add-comment"
  | "process-check-result";

export interface HostAttributes {
  address: string;
  vars: Readonly<Record<string, unknown>>;
}

export interface ClientLimits {
  answerMaxBytes?: number;
  timeoutMs?: number;
}

export class IcingaClient implements Disposable {
  readonly #settings: IcingaSettings;
  readonly #agent: Agent;
  readonly #answerMaxBytes: number;
  readonly #timeoutMs: number;

  constructor(settings: IcingaSettings, limits: ClientLimits = {}) {
    this.#settings = settings;
    this.#answerMaxBytes = limits.answerMaxBytes ?? ANSWER_MAX_BYTES;
    this.#timeoutMs = limits.timeoutMs ?? TIMEOUT_MS;
    this.#agent = new Agent({
      keepAlive: true,
      keepAliveMsecs: TCP_KEEP_ALIVE_MS,
      maxSockets: CONNECTIONS_MAX,
      ...tlsOf(settings),
    });
  }

  /** @returns the entries of `results`, as they came. Rejects with IcingaError. */
  async query({ type, filter, filterVars, attrs, joins }: Query, signal: AbortSignal) {
    const body = { filter, filter_vars: filterVars, attrs, ...(joins && { joins }) };
    const path = `/v1/objects/${type}`;
    const { status, json } = await this.#ask(path, body, signal, {
      "x-http-method-override": "GET",
    });
    if (status !== 200) throw failure(path, status, json);
    return resultsOf(path, json);
  }

  /** On one host or service. Rejects with IcingaError also when Icinga did not do it. */
  async act(
    action: ActionName,
    name: string,
    more: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<void> {
    const path = `/v1/actions/${action}`;
    const { status, json } = await this.#ask(path, { ...targetOf(name), ...more }, signal);
    if (!isRecord(json) || !Array.isArray(json["results"])) throw failure(path, status, json);
    const [result] = resultsOf(path, json);
    const code = isRecord(result) ? result["code"] : undefined;
    if (typeof code !== "number") throw garbage(path, "no code of a result");
    if (code < 200 || code > 299) throw failure(path, code, result);
  }

  /** A host by the template of Glassline's. Nothing happens when it is there. Rejects with IcingaError. */
  async createHost(name: string, attrs: HostAttributes, signal: AbortSignal): Promise<void> {
    const path = `/v1/objects/hosts/${encodeURIComponent(name)}`;
    const body = { templates: [HOST_TEMPLATE], attrs };
    const { status, json } = await this.#ask(path, body, signal, {
      "x-http-method-override": "PUT",
    });
    if (status !== 200 && !saysItIsThere(json)) throw failure(path, status, json);
  }

  /** With its services. Nothing happens when it is gone. Rejects with IcingaError. */
  async removeHost(name: string, signal: AbortSignal): Promise<void> {
    const path = `/v1/objects/hosts/${encodeURIComponent(name)}`;
    const { status, json } = await this.#ask(path, { cascade: true }, signal, {
      "x-http-method-override": "DELETE",
    });
    if (status !== 200 && status !== 404) throw failure(path, status, json);
  }

  /** When its process took over; another one after each reload. Rejects with IcingaError, also without the right to status/query. */
  async startedUnixNano(signal: AbortSignal): Promise<bigint> {
    const path = "/v1/status/IcingaApplication";
    const { status, json } = await this.#ask(path, {}, signal, { "x-http-method-override": "GET" });
    if (status !== 200) throw failure(path, status, json);
    const [result] = resultsOf(path, json);
    const inner = ["status", "icingaapplication", "app", "program_start"];
    const start = inner.reduce(
      (at: unknown, name) => (isRecord(at) ? at[name] : undefined),
      result,
    );
    if (typeof start !== "number" || !(start > 0)) throw garbage(path, "no program_start");
    return BigInt(Math.round(start * MICROSECONDS_PER_SECOND)) * NANO_PER_MICROSECOND;
  }

  /** Lines of JSON without an end. Rejects with IcingaError. The answer lives until the signal is aborted. */
  async events(body: Readonly<Record<string, unknown>>, signal: AbortSignal) {
    const path = "/v1/events";
    const answer = await this.#begin(path, body, AbortSignal.any([signal]), {}, false);
    if (answer.statusCode === 200) return answer;
    const status = answer.statusCode ?? 0;
    throw failure(path, status, await this.#jsonOf(path, answer));
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #ask(path: string, body: unknown, signal: AbortSignal, headers = {}) {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(this.#timeoutMs)]);
    const answer = await this.#begin(path, body, deadline, headers);
    return { status: answer.statusCode ?? 0, json: await this.#jsonOf(path, answer) };
  }

  async #jsonOf(path: string, answer: IncomingMessage): Promise<unknown> {
    const bytes = await this.#bytesOf(path, answer);
    if (answer.statusCode === 401)
      throw new IcingaError("unauthorized", `${path}: Icinga does not let this user in (401)`);
    try {
      return JSON.parse(bytes.toString());
    } catch {
      const type = answer.headers["content-type"] ?? "no type";
      throw garbage(path, `${answer.statusCode} with ${bytes.length} bytes of ${shown(type)}`);
    }
  }

  async #bytesOf(path: string, answer: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > this.#answerMaxBytes) break;
        chunks.push(chunk);
      }
    } catch (error) {
      throw away(path, error);
    }
    if (bytes <= this.#answerMaxBytes) return Buffer.concat(chunks);
    throw new IcingaError(
      "too-large",
      `${path}: got more than ${this.#answerMaxBytes} bytes, expected fewer`,
    );
  }

  /** The length is always told: without it Icinga sees no body. */
  async #begin(
    path: string,
    body: unknown,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>>,
    pooled = true,
  ): Promise<IncomingMessage> {
    const { url, user, password } = this.#settings;
    const bytes = Buffer.from(JSON.stringify(body));
    const options: RequestOptions = {
      method: "POST",
      agent: pooled ? this.#agent : false,
      ...(!pooled && tlsOf(this.#settings)),
      ...(user !== "" && { auth: `${user}:${password}` }),
      headers: { accept: "application/json", "content-length": bytes.length, ...headers },
      signal,
    };
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const call = request(new URL(path, url), options, resolve);
    call.on("error", reject);
    if (!pooled) call.on("socket", (socket) => socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS));
    call.end(bytes);
    try {
      return await promise;
    } catch (error) {
      throw away(path, error);
    }
  }
}

/** Of an action: "edge-1" is a host, "edge-1!health" a service. */
function targetOf(name: string) {
  return name.includes("!") ? { type: "Service", service: name } : { type: "Host", host: name };
}

function resultsOf(path: string, json: unknown): readonly unknown[] {
  if (isRecord(json) && Array.isArray(json["results"])) return json["results"];
  throw garbage(path, "no results");
}

/** Icinga answers 500 to what exists already. */
function saysItIsThere(json: unknown): boolean {
  return JSON.stringify(json ?? "").includes("already exists");
}

function garbage(path: string, got: string): IcingaError {
  return new IcingaError("garbage", `${path}: got ${got}, expected JSON of Icinga`);
}

function away(path: string, error: unknown): IcingaError {
  const code = systemCodeOf(error);
  const reason = error instanceof Error && error.cause ? messageOf(error.cause) : messageOf(error);
  return new IcingaError("away", `${path}: no answer (${code ?? reason})`, { cause: error });
}

/** Of an answer that is not 200, with what Icinga says about it. */
function failure(path: string, status: number, json: unknown): IcingaError {
  const said = saidIn(json);
  const message = `${path}: got ${status}, expected 200: ${shown(said || "nothing is said")}`;
  if (status === 403 || status === 404)
    return new IcingaError("not-found", `${message} The user may lack the permission`);
  return new IcingaError(status === 503 || status === 502 ? "away" : "refused", message);
}

/** Of an answer as a whole, or of the one object that it is about. */
function saidIn(json: unknown): string {
  if (!isRecord(json)) return "";
  if (typeof json["status"] === "string") return json["status"];
  const [result] = Array.isArray(json["results"]) ? (json["results"] as unknown[]) : [];
  if (!isRecord(result)) return "";
  const errors = Array.isArray(result["errors"]) ? result["errors"].map(String) : [];
  return [String(result["status"] ?? ""), ...errors].join(" ");
}

function shown(text: string): string {
  return text.slice(0, STATUS_SHOWN_CHARS).replaceAll(/\p{Cc}/gu, " ");
}
