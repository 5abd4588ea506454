/** Writes an answer to a viewer. */
import type { Answer } from "./answer.ts";
import { cacheStatus } from "./core/cache-status.ts";
import type { FieldLine, Fields } from "./core/http/fields.ts";
import { SharedBody } from "./shared-body.ts";
import type { Answering, Asking } from "./viewer-exchange.ts";

/** Said anew by this edge. */
const OWN: ReadonlySet<string> = new Set(["via", "cache-status"]);
const LENGTH: ReadonlySet<string> = new Set(["content-length"]);
/** Statuses without a body (RFC 9110 section 6.4.1). */
const BODILESS: ReadonlySet<number> = new Set([204, 304]);

/** @param more fields of this server. @returns names and values in turn; not to be changed: others get the same. */
export function headOf(
  { status, fields, ageMs, body, outcome }: Answer,
  edge: string,
  more: readonly FieldLine[] = NONE,
  isSniffable = true,
): string[] {
  const length = body instanceof SharedBody || BODILESS.has(status) ? undefined : body.length;
  const known = prepared(fields, edge, length, isSniffable);
  const { lines, before, latest } = known;
  const said = outcome.kind === "none" ? "" : before + cacheStatus(edge, outcome);
  const ageS = ageMs === undefined ? -1 : Math.max(0, Math.floor(ageMs / 1_000));
  if (latest?.said === said && latest.ageS === ageS && latest.more === more) return latest.head;
  const head = lines.slice();
  if (said !== "") head.push("cache-status", said);
  if (ageS >= 0) head.push("age", String(ageS));
  for (const [name, value] of more) head.push(name, value);
  known.latest = { said, ageS, more, head };
  return head;
}

interface Prepared {
  length: number | undefined;
  isSniffable: boolean;
  lines: readonly string[];
  /** What other caches said of this answer (RFC 9211 section 2: each adds itself behind). */
  before: string;
  /** Those who ask within a second get the same. */
  latest?: { said: string; ageS: number; more: readonly FieldLine[]; head: string[] };
}

const NONE: readonly FieldLine[] = [];
/** What is the same in every answer with these fields, which are those of one stored response. */
const preparedOf = new WeakMap<Fields, Prepared>();

/** @param isSniffable false: browsers shall take it for what it says it is (https://fetch.spec.whatwg.org/#x-content-type-options-header). */
function prepared(
  fields: Fields,
  edge: string,
  length: number | undefined,
  isSniffable: boolean,
): Prepared {
  const known = preparedOf.get(fields);
  if (known && known.length === length && known.isSniffable === isSniffable) return known;
  const passed = fields.without(OWN);
  const lines = (length === undefined ? passed : passed.without(LENGTH)).lines.flat();
  lines.push("via", [...fields.all("via"), `1.1 ${edge}`].join(", "));
  if (length !== undefined) lines.push("content-length", String(length));
  if (!isSniffable && !fields.has("x-content-type-options"))
    lines.push("x-content-type-options", "nosniff");
  const before = fields
    .all("cache-status")
    .map((status) => `${status}, `)
    .join("");
  const made = { length, isSniffable, lines, before };
  preparedOf.set(fields, made);
  return made;
}

/** @returns how many bytes of the body were sent; a promise where they are still coming. */
export function writeAnswer(
  request: Asking,
  response: Answering,
  answer: Answer,
  head: string[],
): number | Promise<number> {
  const { status, body } = answer;
  response.sendDate = false;
  response.writeHead(status, head);
  const hasBody = request.method !== "HEAD" && !BODILESS.has(status);
  if (body instanceof SharedBody) return follow(response, body, hasBody, answer);
  if (!hasBody) response.end();
  else if (body.length > PIECE_BYTES && request.socket.encrypted) endInPieces(response, body);
  else if (body.length > SMALL_BYTES) response.end(body);
  else response.end(textOf(body), "latin1");
  return hasBody ? body.length : 0;
}

/** Node writes a head and a text together as one, which costs a third less than a head and a buffer. */
const SMALL_BYTES = 8_192;
const textsOf = new WeakMap<Buffer, string>();

/**
 * What is written to TLS is encrypted at once, and waits in memory of its own for a client that does not read. So it is written as it is
 * taken.
 */
const PIECE_BYTES = 131_072;

function endInPieces(response: Answering, body: Buffer): void {
  let at = 0;
  const go = (): void => {
    while (!response.destroyed) {
      const piece = body.subarray(at, (at += PIECE_BYTES));
      if (at >= body.length) return void response.end(piece);
      if (!response.write(piece)) return void response.once("drain", go);
    }
  };
  go();
}

/** Each byte as a character. */
function textOf(body: Buffer): string {
  let text = textsOf.get(body);
  if (text === undefined) textsOf.set(body, (text = body.toString("latin1")));
  return text;
}

async function follow(
  response: Answering,
  body: SharedBody,
  hasBody: boolean,
  { trailers, fromByte }: Pick<Answer, "trailers" | "fromByte">,
): Promise<number> {
  let sent = 0;
  for await (const chunk of body.read(() => response.destroy(), fromByte)) {
    if (response.destroyed) break;
    if (!hasBody) continue;
    sent += chunk.length;
    if (!response.write(chunk)) await writable(response);
  }
  const lines = trailers?.() ?? [];
  if (lines.length > 0 && response.chunkedEncoding) response.addTrailers(Object.fromEntries(lines));
  response.end();
  return sent;
}

/** There is room for more, or the client has gone. */
function writable(response: Answering): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.once("drain", done);
    response.once("close", done);
  });
}
