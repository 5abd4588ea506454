/** Answers to those who showed a token: playlists carry it on, and no other cache gives them to others. */
import type { Answer } from "../answer.ts";
import { addressOf } from "../core/address.ts";
import type { Fields } from "../core/http/fields.ts";
import { withTokenVariable } from "../core/token-playlist.ts";
import { withoutEscapes } from "../core/tokens.ts";
import { SharedBody } from "../shared-body.ts";
import type { Admitted, Protection } from "./token-gate.ts";

/** They are about another text then. */
const VALIDATORS: ReadonlySet<string> = new Set(["etag", "last-modified", "content-length"]);
/** RFC 6750 section 2.3: "private". What is said to caches like this one was heard by this one. */
const CACHING: ReadonlySet<string> = new Set(["cache-control", "cdn-cache-control"]);

const SHARED = /(?:^|,)\s*(?:public|private(?:="[^"]*")?|s-maxage=[^,]*)(?=\s*(?:,|$))/gi;

/** @param servers the addresses of this edge and its peers; what they protect may see the token. */
export function tokenWriter(protection: Protection, servers: readonly string[]) {
  const origins = new Set(servers.map((server) => new URL(server).origin));
  /** By the playlist's bytes. */
  const written = new WeakMap<Buffer, Buffer>();
  const privately = new WeakMap<Fields, Fields>();
  return (answer: Answer, { address: { path }, isInQuery }: Admitted): Answer => {
    const fields = privateFields(answer.fields);
    const body = playlistOf(answer, path);
    if (!body || !isInQuery) return { ...answer, fields };
    let text = written.get(body);
    if (!text) written.set(body, (text = rewritten(body, path)));
    return { ...answer, fields: fieldsWithout(fields), body: text };
  };

  function rewritten(body: Buffer, path: string): Buffer {
    const mayHave = (uri: string) => {
      if (!URL.canParse(uri, `http://edge${path}`)) return false;
      const { origin, pathname } = new URL(uri, `http://edge${path}`);
      const named = addressOf(pathname);
      return (
        (origin === "http://edge" || origins.has(origin)) &&
        named !== undefined &&
        protection.covers(withoutEscapes(named.path))
      );
    };
    return Buffer.from(withTokenVariable(body.toString("utf8"), mayHave));
  }

  function privateFields(fields: Fields): Fields {
    let known = privately.get(fields);
    if (!known) {
      const told = (fields.combined("cache-control") ?? "").replaceAll(SHARED, "");
      const directives = ["private", told.replace(/^[\s,]+/, "")].filter((one) => one !== "");
      const line = ["cache-control", directives.join(", ")] as const;
      privately.set(fields, (known = fields.without(CACHING).with(line)));
    }
    return known;
  }
}

const unvalidated = new WeakMap<Fields, Fields>();

function fieldsWithout(fields: Fields): Fields {
  let known = unvalidated.get(fields);
  if (!known) unvalidated.set(fields, (known = fields.without(VALIDATORS)));
  return known;
}

/** Undefined: it is none, or not one that can be written. */
function playlistOf({ status, fields, body }: Answer, path: string): Buffer | undefined {
  if (status !== 200 || !path.endsWith(".m3u8") || fields.has("content-encoding")) return undefined;
  if (!(body instanceof SharedBody)) return body;
  return body.isWhole ? body.whole() : undefined;
}
