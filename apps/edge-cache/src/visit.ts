/** What is done with a question of a viewer. */
import type { Readable } from "node:stream";

import { PROBE_USER_AGENT } from "@glassline/hls/fetch";
import { RpcError, jsonErrorBody } from "@glassline/proto/errors";
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import type { AccessLog } from "./access-log/access-log.ts";
import type { Answer } from "./answer.ts";
import { ownAnswer } from "./answer.ts";
import type { Cache } from "./cache.ts";
import type { Address } from "./core/address.ts";
import { ADDRESS_MAX_CHARS, unwaited } from "./core/address.ts";
import type { Addresses } from "./core/addresses.ts";
import { isKept } from "./core/cache-status.ts";
import type { FieldLine, Fields } from "./core/http/fields.ts";
import { endToEnd } from "./core/http/fields.ts";
import { jsonAnswer } from "./core/json-answer.ts";
import { steer } from "./core/steering.ts";
import type { Refused as RefusedToken } from "./core/tokens.ts";
import { isRefused } from "./core/tokens.ts";
import type { Kind, Traffic } from "./core/traffic.ts";
import type { Viewers } from "./core/viewers.ts";
import type { Following } from "./following/following.ts";
import type { Refused } from "./front/refusals.ts";
import type { EdgeMetrics } from "./metrics.ts";
import type { PathwayWriter } from "./pathway-writer.ts";
import type { PeerAnswer, Peers } from "./peers.ts";
import { TooSlowError } from "./shared-body.ts";
import { refusalOf } from "./tokens/refusal.ts";
import type { Admitted } from "./tokens/token-gate.ts";
import type { ViewerTokens } from "./tokens/viewer-tokens.ts";
import { UpstreamError } from "./upstream/upstream.ts";
import { headOf, writeAnswer } from "./viewer-answer.ts";
import type { Answering, Asking } from "./viewer-exchange.ts";
import { ViewerRequest } from "./viewer-request.ts";

/** Behind it the name of a channel. */
export const STEERING_PATH = "/steering/";
/** So many tell viewers apart. */
const USER_AGENT_CHARS = 128;
/** After this time a viewer may ask again for what there was no room for. */
const BUSY_S = "1";

export interface VisitDeps {
  edge: string;
  publicUrl: string;
  steeringTtlS: number;
  cache: Cache;
  peers: Peers;
  traffic: Traffic;
  viewers: Viewers;
  metrics: EdgeMetrics;
  clock: Clock;
  logger: Logger;
  addresses: Addresses;
  following: Following;
  /** Undefined: nothing is protected. */
  tokens: ViewerTokens | undefined;
  /** Undefined: nothing is logged. */
  accessLog: AccessLog | undefined;
  refused: Refused;
  /** Questions whose answers are not there yet. */
  waiting: Set<Asking>;
  /** True: viewers shall go elsewhere; those who ask are still answered. */
  isDraining: () => boolean;
  /** True: it goes on, and viewers are steered to other edges. */
  isSteeredAway: () => boolean;
}

/** One question of a viewer, until its answer has been sent. */
export class Visit {
  readonly request: Asking;
  /** Path and query. */
  readonly target: string;
  readonly #response: Answering;
  readonly #body: Readable | undefined;
  readonly #fields: readonly FieldLine[];
  readonly #deps: VisitDeps;
  readonly #withPathways: PathwayWriter;
  readonly #startMs: number;
  #admitted: Admitted | undefined;

  /** @param fields of every answer to this request. */
  constructor(
    request: Asking,
    target: string,
    response: Answering,
    body: Readable | undefined,
    fields: readonly FieldLine[],
    deps: VisitDeps,
    withPathways: PathwayWriter,
  ) {
    this.request = request;
    this.target = target;
    this.#response = response;
    this.#body = body;
    this.#fields = fields;
    this.#deps = deps;
    this.#withPathways = withPathways;
    this.#startMs = deps.clock.monotonicMs();
  }

  peer(): void {
    const { edge, viewers, clock, isDraining, isSteeredAway } = this.#deps;
    const count = viewers.count(clock.monotonicMs());
    const body: PeerAnswer = { edge, viewers: count, draining: isSteeredAway() };
    this.json(isDraining() ? 503 : 200, body, "own");
  }

  /** @param rest of the address: the channel, and perhaps a query. */
  steering(rest: string): void {
    const { edge, publicUrl, peers, viewers, clock, steeringTtlS } = this.#deps;
    const [name = "", query] = rest.split("?", 2);
    const count = viewers.count(clock.monotonicMs());
    const reachable = !this.#deps.isDraining();
    const draining = this.#deps.isSteeredAway();
    const own = { edge, publicUrl, reachable, draining, viewers: count };
    const current = new URLSearchParams(query).get("_HLS_pathway") ?? undefined;
    const path = `${STEERING_PATH}${name}`;
    const ways = { current, self: edge, path, ttlS: steeringTtlS };
    this.json(200, steer([own, ...peers.all()], ways), "own", [NO_STORE]);
  }

  object(): void {
    const { tokens, addresses } = this.#deps;
    const admitted = tokens?.gate.admit(this.request, this.target);
    if (admitted && isRefused(admitted)) return this.#refuse(admitted);
    this.#admitted = admitted;
    const named = admitted ? admitted.address : addresses.of(this.target);
    if (!named) return this.#noAddress();
    const place = this.#deps.following.placeOf(named);
    if (place === "too far") return this.#refuseTooFar();
    // The playlist as it is answers all who ask for what has left it.
    const address = place === "past" ? unwaited(named) : named;
    const inform = (status: number, about: Fields) => this.#inform(status, about);
    const { request } = this;
    const hasToken = { hasToken: admitted !== undefined };
    const asked = new ViewerRequest(request, this.#response, this.#body, address, inform, hasToken);
    if (address.isBlocking) this.#deps.following.waits(address);
    // What is in the store is sent at once, without a promise.
    const hit = this.#deps.cache.find(asked, this.#startMs);
    if (hit) this.#sendWhole(address, hit);
    else void this.#serve(asked);
  }

  /** An object that cannot be sent costs its answer, not the process. */
  safely(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#response.destroy();
      this.#deps.logger.error({ reason: messageOf(error) }, "an answer could not be sent");
    }
  }

  /** More requests than one client may make. */
  tooMany(waitS: number): void {
    this.#deps.refused("rate");
    const message = `requests: got more than one client may make, expected the next in ${waitS} s`;
    const error = jsonErrorBody(new RpcError("resource_exhausted", message));
    this.json(429, error, "refused", [["retry-after", String(waitS)]]);
  }

  #refuseTooFar(): void {
    const expected =
      "_HLS_msn: expected at most two segments behind the last one; _HLS_part: one that a segment can have";
    const error = jsonErrorBody(new RpcError("invalid_argument", expected));
    this.json(400, error, "refused", [NO_STORE]);
  }

  #refuse(refused: RefusedToken): void {
    this.#deps.metrics.refused.inc({ reason: refused.problem });
    const { status, body, fields } = refusalOf(refused, this.#deps.edge);
    this.json(status, body, "refused", fields);
  }

  /** An answer of this edge itself. @param more fields beside those of JSON. */
  json(status: number, body: object, result: string, more: readonly FieldLine[] = []): void {
    const { text, length, fields } = jsonAnswer(body);
    this.#response.writeHead(status, [...fields, ...this.#fields, ...more].flat());
    const isHead = this.request.method === "HEAD";
    this.#response.end(isHead ? undefined : text);
    this.#log(status, isHead ? 0 : length, this.#sinceMs(), result);
  }

  /** Most are not logged: nothing is made for them. */
  #log(status: number, sentBytes: number, firstByteMs: number, result: string): void {
    const { accessLog, clock } = this.#deps;
    if (!accessLog?.wants(status)) return;
    const { method = "", headers, socket, httpVersion } = this.request;
    accessLog.add({
      timeMs: clock.nowMs() - this.#sinceMs(),
      remoteAddress: socket.remoteAddress ?? "",
      client: this.#admitted?.client,
      method,
      target: this.target,
      httpVersion,
      status,
      sentBytes,
      referer: headers.referer,
      userAgent: headers["user-agent"],
      result,
      firstByteMs,
    });
  }

  #noAddress(): void {
    const isLong = this.target.length > ADDRESS_MAX_CHARS;
    if (isLong) this.#deps.refused("url");
    const expected = `address: expected a normal path of at most ${ADDRESS_MAX_CHARS} characters`;
    const error = jsonErrorBody(new RpcError("invalid_argument", expected));
    this.json(isLong ? 414 : 400, error, "refused");
  }

  #sendWhole(address: Address, hit: Answer): void {
    const sent = this.#write(address, hit);
    if (typeof sent !== "number") return;
    const nowMs = this.#deps.clock.monotonicMs();
    this.#sent(address, hit, sent, nowMs - this.#startMs, nowMs);
  }

  async #serve(asked: ViewerRequest): Promise<void> {
    const { logger, metrics, waiting } = this.#deps;
    const { address } = asked;
    waiting.add(this.request);
    try {
      const answer = await this.#answer(asked);
      const sent = this.#write(address, answer);
      // Who left before the head came was not served.
      if (asked.isGone) return void (await sent);
      const firstByteMs = this.#sinceMs();
      const sentBytes = await sent;
      this.#sent(address, answer, sentBytes, firstByteMs, this.#deps.clock.monotonicMs());
    } catch (error) {
      // The head has gone: cutting the connection is the only way to say that the rest does not come.
      this.#response.destroy();
      if (error instanceof TooSlowError) return;
      this.#log(CUT_OFF, 0, this.#sinceMs(), "failed");
      metrics.originFailures.inc({
        reason: error instanceof UpstreamError ? error.reason : "broken",
      });
      logger.warn({ path: address.path, reason: messageOf(error) }, "answer cut off");
    } finally {
      waiting.delete(this.request);
    }
  }

  async #answer(asked: ViewerRequest): Promise<Answer> {
    try {
      return await this.#deps.cache.get(asked);
    } catch (error) {
      if (error instanceof UpstreamError) return this.#refusal(error, asked.isGone);
      throw error;
    }
  }

  /** What the origin says before it answers (RFC 9110 section 15.2); to clients that know of it. */
  #inform(status: number, fields: Fields): void {
    if (this.request.httpVersion === "1.0" || this.#response.headersSent) return;
    const about = endToEnd(fields);
    const names = new Set(about.lines.map(([name]) => name));
    const headers = Object.fromEntries([...names].map((name) => [name, about.all(name)]));
    this.#response.writeInformation(status, headers);
  }

  /** Where the origin is concerns no viewer; the log has it. */
  #refusal({ reason, message }: UpstreamError, isGone: boolean): Answer {
    if (!isGone) {
      this.#deps.metrics.originFailures.inc({ reason });
      this.#deps.logger.warn({ reason: message }, "the origin gives no answer");
    }
    const body = { code: "unavailable", message: `the origin gives no answer (${reason})` };
    const text = JSON.stringify(body);
    if (reason === "busy") return ownAnswer(503, text, ["retry-after", BUSY_S]);
    return ownAnswer(reason === "timeout" ? 504 : 502, text);
  }

  #sinceMs(): number {
    return this.#deps.clock.monotonicMs() - this.#startMs;
  }

  #write(address: Address, got: Answer): number | Promise<number> {
    let answer = this.#withPathways(got, address.path);
    if (this.#admitted && this.#deps.tokens)
      answer = this.#deps.tokens.write(answer, this.#admitted);
    // Two of them are refused by browsers.
    if (this.#fields.some(([name]) => CORS.has(name)))
      answer = { ...answer, fields: answer.fields.without(CORS) };
    const head = headOf(answer, this.#deps.edge, this.#fields, address.kind === "other");
    return writeAnswer(this.request, this.#response, answer, head);
  }

  #sent(
    address: Address,
    answer: Answer,
    sentBytes: number,
    firstByteMs: number,
    nowMs: number,
  ): void {
    const { session } = address;
    const { status, outcome } = answer;
    const isOwn = outcome.kind === "none";
    const result = isOwn ? "failed" : outcome.kind;
    this.#log(status, sentBytes, firstByteMs, result);
    const userAgent = (this.request.headers["user-agent"] ?? "").slice(0, USER_AGENT_CHARS);
    if (userAgent === PROBE_USER_AGENT) return;
    const { traffic, metrics, viewers, following } = this.#deps;
    const isPart = address.kind === "segment" && following.isPart(address.key);
    const kind: Kind = isPart ? "part" : address.kind;
    if (status === 200 && kind === "playlist" && isKept(outcome)) following.saw(address);
    if (status === 200 && kind !== "other")
      viewers.saw(session ?? `${this.request.socket.remoteAddress} ${userAgent}`, this.#startMs);
    const served = { kind, outcome: outcome.kind, status, sentBytes, firstByteMs };
    traffic.served(served, nowMs);
    const tally = metrics.tallies.of(kind, result);
    tally.requests++;
    tally.sentBytes += sentBytes;
    if (!isOwn) tally.firstByte.observe(firstByteMs / 1_000);
    if (answer.atMs !== undefined && kind !== "other")
      metrics.addedWait.observe(
        (this.#startMs + firstByteMs - Math.max(answer.atMs, this.#startMs)) / 1_000,
      );
  }
}

const CORS: ReadonlySet<string> = new Set(["access-control-allow-origin"]);
const NO_STORE: FieldLine = ["cache-control", "no-store"];
/** As a proxy says of an origin that broke off. */
const CUT_OFF = 502;
