/** One question to the origin: what is asked, and what is done when there is no answer. */
import { Answered, staleOf } from "./answered.ts";
import type { Missing } from "./completing.ts";
import { completed, fieldsOf, missingFor } from "./completing.ts";
import { rulesOf } from "./core/hls-rules.ts";
import { CONDITIONAL, isAbout, validators } from "./core/http/conditional.ts";
import { httpDate } from "./core/http/dates.ts";
import type { FieldLine, Fields } from "./core/http/fields.ts";
import { endToEnd } from "./core/http/fields.ts";
import type { Received } from "./core/http/freshness.ts";
import type { Moments } from "./core/http/newer.ts";
import type { Asked, ExchangeDeps, Exchanged } from "./exchanged.ts";
import type { UpstreamResponse } from "./upstream/upstream.ts";
import { UpstreamError } from "./upstream/upstream.ts";

/** Not passed on: it is about this connection, or said anew. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  ...CONDITIONAL,
  "host",
  "expect",
  "content-length",
]);

/** "validate": whether what is stored is still the one. "plain": what the client asks for. */
type Question = "validate" | "plain" | Missing;

/** Rejects with UpstreamError when the origin gives no answer and the store has none that may be used. */
export async function exchange(asked: Asked, deps: ExchangeDeps): Promise<Exchanged> {
  let answer: Answered;
  try {
    answer = await answerTo(asked, deps);
  } catch (error) {
    const rules = rulesOf(asked.request.address.kind);
    const stale = staleOf(asked, deps.clock.monotonicMs(), rules.staleWhenAwayMs);
    if (stale && error instanceof UpstreamError) return stale;
    throw error;
  }
  return answer.worth();
}

/** To the smallest question that may do; where its answer is of no use, to the client's own. */
async function answerTo(asked: Asked, deps: ExchangeDeps): Promise<Answered> {
  const missing = missingFor(asked);
  const first = await ask(asked, deps, missing ?? "validate");
  const fitting = missing ? fittingPart(missing, first) : confirmation(asked, first);
  if (fitting) return answered(asked, deps, fitting);
  await leave(first.response);
  if (!first.response.isFromMember) deps.fetched(0);
  const second = await ask(asked, deps, "plain");
  if (second.response.status === 304)
    throw new UpstreamError("broken", "got 304 without a condition, expected an answer");
  return answered(asked, deps, second);
}

/** What is missing, or an answer to what the client asked for. */
function fittingPart(missing: Missing, first: Opened): Opened | undefined {
  const response = completed(missing, first.response);
  if (response) return { ...first, response };
  return [206, 304, 416].includes(first.response.status) ? undefined : first;
}

/** A 304 about other content says nothing to anybody here (RFC 9111 section 4.3.4). */
function confirmation({ request, stored }: Asked, first: Opened): Opened | undefined {
  const { status, fields } = first.response;
  if (status !== 304 || !isRead(request)) return first;
  return stored && !stored.part && isAbout(fields, stored.fields) ? first : undefined;
}

const isRead = ({ method }: Asked["request"]) => method === "GET" || method === "HEAD";

/** An answer whose head has come. */
interface Opened {
  response: UpstreamResponse;
  moments: Moments;
  /** When its head came, Unix milliseconds. */
  responseMs: number;
}

async function ask(asked: Asked, deps: ExchangeDeps, question: Question): Promise<Opened> {
  const { request, abort } = asked;
  const { clock, upstream, name } = deps;
  let askedMs = clock.monotonicMs();
  const response = await upstream.open({
    method: request.method,
    target: request.address.key,
    fields: fieldsFor(asked, question, name),
    body: request.body,
    signal: abort.signal,
    isFromMember: request.isFromMember ?? false,
    isHeld: request.address.isBlocking || deps.isHinted(request.address.key),
    begun: () => (askedMs = clock.monotonicMs()),
    ...(request.informed && { informed: request.informed }),
  });
  const responseMs = clock.nowMs();
  const dateMs = httpDate(response.fields.first("date"), responseMs);
  return { response, moments: { askedMs, cameMs: clock.monotonicMs(), dateMs }, responseMs };
}

function answered(asked: Asked, deps: ExchangeDeps, opened: Opened): Answered {
  const { response, moments, responseMs } = opened;
  const received: Received = {
    status: response.status,
    fields: withDate(endToEnd(response.fields), responseMs),
    requestMs: responseMs - (moments.cameMs - moments.askedMs),
    responseMs,
  };
  return new Answered(asked, deps, response, received, moments);
}

/** Its connection is given up, but for a body that has ended. */
async function leave({ body }: UpstreamResponse): Promise<void> {
  try {
    for await (const _ of body) break;
  } catch {
    // Nobody wants it.
  }
}

function fieldsFor({ request, stored }: Asked, question: Question, name: string): Fields {
  const { fields, method, address } = request;
  const own: FieldLine[] = [["via", [...fields.all("via"), `1.1 ${name}`].join(", ")]];
  const length = fields.first("content-length");
  if (!isRead(request) && length !== undefined) own.push(["content-length", length]);
  const dropped = new Set(isRead(request) ? OWN_FIELDS : ["host", "expect", "content-length"]).add(
    "via",
  );
  // Playlists are read here.
  if (address.kind === "playlist") dropped.add("accept-encoding");
  if (typeof question === "object") own.push(...fieldsOf(question));
  else if (question === "validate" && isRead(request) && stored && !stored.part)
    own.push(...validators(stored.fields));
  else if (method === "GET" && address.kind !== "playlist")
    for (const name of ["range", "if-range"])
      for (const value of fields.all(name)) own.push([name, value]);
  return fields.without(dropped).with(...own);
}

/** RFC 9110 section 6.6.1: who receives a response without Date says when it came. */
function withDate(fields: Fields, nowMs: number): Fields {
  return fields.has("date") ? fields : fields.with(["date", new Date(nowMs).toUTCString()]);
}
