/** HTTP for viewers: objects from the cache, the steering manifest, and what peers ask. */
import { guardOf } from "@glassline/service/guard";

import type { ClientRates } from "./client-rates.ts";
import type { FieldLine } from "./core/http/fields.ts";
import { pathwayWriter } from "./pathway-writer.ts";
import { PEER_PATH } from "./peers.ts";
import type { Asking, Handler } from "./viewer-exchange.ts";
import type { VisitDeps } from "./visit.ts";
import { STEERING_PATH, Visit } from "./visit.ts";

export interface ViewerServerDeps extends VisitDeps {
  allowedHosts: readonly string[];
  allowedOrigins: readonly string[];
  /** Undefined: each client may ask as often as it can. */
  rates: ClientRates | undefined;
}

export function viewerHandler(deps: ViewerServerDeps): Handler {
  const guard = guardOf(deps.allowedHosts, deps.allowedOrigins);
  const withPathways = pathwayWriter(deps);
  return (asking, answering, body) => {
    const { host, target } = asked(asking);
    const verdict = guard(host, asking.headers.origin);
    const fields = deps.isDraining() ? lastly(asking, verdict.fields) : verdict.fields;
    const visit = new Visit(asking, target, answering, body, fields, deps, withPathways);
    const waitS = deps.rates ? deps.rates.waitS(asking.socket) : 0;
    if (waitS > 0) return visit.tooMany(waitS);
    const { refusal } = verdict;
    if (refusal) return visit.json(refusal.status, refusal.body, "refused");
    visit.safely(() => route(visit));
  };
}

/** Fields of the last answer on a connection; HTTP/2 says so for itself. */
function lastly(asking: Asking, fields: readonly FieldLine[]): readonly FieldLine[] {
  return asking.httpVersion === "2.0" ? fields : [...fields, ["connection", "close"]];
}

function route(visit: Visit): void {
  const { target } = visit;
  const { method } = visit.request;
  const isRead = method === "GET" || method === "HEAD";
  if (isRead && target === PEER_PATH) return visit.peer();
  if (isRead && target.startsWith(STEERING_PATH))
    return visit.steering(target.slice(STEERING_PATH.length));
  visit.object();
}

interface Asked {
  host: string;
  /** Path and query. */
  target: string;
}

/** Of which host what is asked for; a target may name both (RFC 9112 section 3.2). Several hosts are none. */
function asked(asking: Asking): Asked {
  const { url = "", headers } = asking;
  if (asking.httpVersion === "2.0") return { host: authorityOf(headers), target: url };
  const { rawHeaders } = asking;
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]!.length === 4 && rawHeaders[at]!.toLowerCase() === "host") hosts++;
  if (hosts > 1) return { host: "", target: url };
  if (url.startsWith("/")) return { host: headers.host ?? "", target: url };
  const absolute = /^https?:\/\/([^/?#]*)(\/?[^#]*)$/i.exec(url);
  if (!absolute) return { host: headers.host ?? "", target: url };
  const [, host = "", rest = ""] = absolute;
  return { host, target: rest.startsWith("/") ? rest : `/${rest}` };
}

/** RFC 9113 section 8.3.1. */
function authorityOf(headers: Asking["headers"]): string {
  const { host, ":authority": authority = host } = headers;
  return typeof authority === "string" && (host ?? authority) === authority ? authority : "";
}
