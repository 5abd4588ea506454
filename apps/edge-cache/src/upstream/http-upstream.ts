/** An origin over HTTP, or over TLS 1.3 with the network's certificates on both ends. */
import type { PeerCertificate } from "node:tls";

import { messageOf, systemCodeOf } from "@glassline/service/errors";
import type { Identity } from "@glassline/service/identity";
import { peerNameOf } from "@glassline/service/identity";
import { tlsOptions } from "@glassline/service/tls";
import { Pool } from "undici";

import type { OriginAnswer } from "../core/freshness.ts";
import type { Upstream } from "./upstream.ts";
import { UpstreamError } from "./upstream.ts";

const CONNECTIONS = 64;
const CONNECT_TIMEOUT_MS = 2_000;
const HEADERS_TIMEOUT_MS = 5_000;
const BODY_TIMEOUT_MS = 10_000;
/** A larger object is refused. */
const OBJECT_MAX_BYTES = 67_108_864;

/** @param origin "https://localhost:7450", without a path. */
export function httpUpstream(origin: string, identity: Identity): Upstream {
  const pool = new Pool(origin, {
    connections: CONNECTIONS,
    connect: { timeout: CONNECT_TIMEOUT_MS, ...(origin.startsWith("https:") && tls(identity)) },
    headersTimeout: HEADERS_TIMEOUT_MS,
    bodyTimeout: BODY_TIMEOUT_MS,
    maxResponseSize: OBJECT_MAX_BYTES,
  } as Pool.Options);
  return {
    fetch: (target) => fetchFrom(pool, origin, target, identity.instance),
    [Symbol.asyncDispose]: () => pool.destroy(),
  };
}

async function fetchFrom(
  pool: Pool,
  origin: string,
  target: string,
  edge: string,
): Promise<OriginAnswer> {
  try {
    const { statusCode, headers, body } = await pool.request({
      method: "GET",
      path: target,
      headers: { via: `1.1 ${edge}`, "accept-encoding": "identity" },
    });
    const bytes = Buffer.from(await body.arrayBuffer());
    const plain = Object.entries(headers).map(([name, value]) => [name, value?.toString()]);
    return { status: statusCode, headers: Object.fromEntries(plain), body: bytes };
  } catch (error) {
    const reason = reasonOf(systemCodeOf(error) ?? "");
    throw new UpstreamError(reason, `${origin}: ${messageOf(error)}`, { cause: error });
  }
}

function reasonOf(code: string): UpstreamError["reason"] {
  if (/TIMEOUT/.test(code)) return "timeout";
  if (code === "UND_ERR_RES_EXCEEDED_MAX_SIZE") return "too_large";
  return /ECONN|ENOTFOUND|EHOST|ENET|EAI_|CERT|TLS/.test(code) ? "unreachable" : "broken";
}

/** The origin is known by the SPIFFE id in its certificate, not by its address. */
function tls(identity: Identity) {
  return {
    ...tlsOptions(identity),
    servername: "localhost",
    checkServerIdentity: (_host: string, { subjectaltname }: PeerCertificate) => {
      const peer = peerNameOf(subjectaltname);
      if (peer?.role === "origin") return undefined;
      const shown = peer ? `${peer.role} ${peer.instance}` : "a stranger";
      return new Error(`it shows the certificate of ${shown}, expected an origin`);
    },
  };
}
