/** TLS 1.3 between our processes: both ends show a certificate of the network's CA, the key exchange is X25519MLKEM768. */
import type { PeerCertificate, SecureContextOptions } from "node:tls";
import { createSecureContext } from "node:tls";

import { RpcError } from "@glassline/proto/errors";
import * as grpc from "@grpc/grpc-js";

import type { Identity, PeerName, Role } from "./identity.ts";
import { peerNameOf } from "./identity.ts";

/** The hybrid group first (draft-ietf-tls-ecdhe-mlkem); no fallback, since both ends are ours. */
export const KEY_EXCHANGE = "X25519MLKEM768";

/** Key exchange with programs that are not ours, such as OpenTelemetry SDKs and load balancers. */
const PUBLIC_KEY_EXCHANGE = `${KEY_EXCHANGE}:X25519:P-256`;

/** Options of a TLS context with this identity, TLS 1.3 only. */
export function tlsOptions(identity: Identity, keyExchange = KEY_EXCHANGE): SecureContextOptions {
  return {
    ca: identity.ca,
    cert: identity.certificate,
    key: identity.privateKey,
    minVersion: "TLSv1.3",
    ecdhCurve: keyExchange,
  };
}

/** Options of an HTTPS server that is open to clients without a certificate of ours. */
export const publicTlsOptions = (identity: Identity) => tlsOptions(identity, PUBLIC_KEY_EXCHANGE);

/**
 * gRPC is HTTP/2. Chosen by a function: of a list, Node makes each connection a copy in a pool of buffers, of which 64 KiB then stay as
 * long as the connection.
 */
const ALPNCallback = ({ protocols }: { protocols: readonly string[] }) =>
  protocols.find((protocol) => protocol === "h2");

class TlsServerCredentials extends grpc.ServerCredentials {
  override _equals(other: grpc.ServerCredentials): boolean {
    return this === other;
  }
}

/** For servers whose clients are our own processes: a client without a certificate of the CA is turned away. */
export function mutualTlsServer(identity: Identity): grpc.ServerCredentials {
  return new TlsServerCredentials(
    { requestCert: true, rejectUnauthorized: true, ALPNCallback },
    tlsOptions(identity),
  );
}

/** For servers whose clients are load balancers: a certificate of the CA is asked for, the key exchange may be a classical one. */
export function balancerTlsServer(identity: Identity): grpc.ServerCredentials {
  return new TlsServerCredentials(
    { requestCert: true, rejectUnauthorized: true, ALPNCallback },
    publicTlsOptions(identity),
  );
}

/** For servers that are open to clients without a certificate, which then show a token. */
export function tokenTlsServer(identity: Identity): grpc.ServerCredentials {
  return new TlsServerCredentials({ requestCert: false, ALPNCallback }, publicTlsOptions(identity));
}

/** As Node calls it. */
const WRONG_NAME = "ERR_TLS_CERT_ALTNAME_INVALID";

/** Refuses a server whose certificate has another role, or another instance if one is named; its address does not matter. */
export function peerCheck(role: Role, instance?: string) {
  return (_host: string, { subjectaltname }: Pick<PeerCertificate, "subjectaltname">) => {
    const peer = peerNameOf(subjectaltname);
    if (peer?.role === role && (instance === undefined || peer.instance === instance))
      return undefined;
    const expected = `${role}${instance === undefined ? "" : ` ${instance}`}`;
    const shown = peer ? `${peer.role} ${peer.instance}` : "a stranger";
    const error = new Error(`peer shows the certificate of ${shown}, expected ${expected}`);
    return Object.assign(error, { code: WRONG_NAME });
  };
}

/**
 * For clients. The peer is known by the SPIFFE id in its certificate (peerCheck). With a load balancer, which is not ours, the key exchange
 * may be a classical one.
 */
export function mutualTlsClient(
  identity: Identity,
  role: Role,
  instance?: string,
): grpc.ChannelCredentials {
  const options = role === "load-balancer" ? publicTlsOptions(identity) : tlsOptions(identity);
  return grpc.credentials.createFromSecureContext(createSecureContext(options), {
    checkServerIdentity: peerCheck(role, instance),
  });
}

/** A server name is needed and an IP address is not accepted as one; the peer's name is checked by mutualTlsClient. */
export const TLS_CHANNEL_OPTIONS: grpc.ChannelOptions = {
  "grpc.ssl_target_name_override": "localhost",
};

/** The caller of a stream of a mutual TLS server, which must have one of the roles. Throws RpcError. */
export function requirePeer(
  call: Pick<grpc.ServerDuplexStream<unknown, unknown>, "getAuthContext">,
  roles: readonly Role[],
): PeerName {
  return requireRole(call.getAuthContext().sslPeerCertificate?.subjectaltname, roles);
}

/** The caller of a unary method, which must have one of the roles; JSON over HTTP shows no certificate. Throws RpcError. */
export function requireCaller(
  { subjectAltName }: { subjectAltName?: string | undefined },
  roles: readonly Role[],
): PeerName {
  return requireRole(subjectAltName, roles);
}

function requireRole(subjectAltName: string | undefined, roles: readonly Role[]): PeerName {
  const peer = peerNameOf(subjectAltName);
  if (!peer)
    throw new RpcError(
      "unauthenticated",
      "no certificate of this network, expected one with a spiffe://glassline id",
    );
  if (!roles.includes(peer.role)) {
    throw new RpcError(
      "permission_denied",
      `${peer.role} ${peer.instance} may not call this, expected ${roles.join(" or ")}`,
    );
  }
  return peer;
}
