/** What a wish must fulfil before it is stored. Pure. */
import type { EdgeSpec, SetDesiredStateRequest } from "@glassline/proto/node";

import { checkEdge } from "./desired-edge.ts";
import { checkSegments } from "./desired-segments.ts";
import { NAME } from "./name.ts";
import { refuse } from "./refusal.ts";

/** More than the ports of a machine would usually have room for: 4 an edge. */
const EDGES_MAX = 1_024;
const URL_OF_SERVER = /^https?:\/\/[^/\s,=]+$/;
/** As the edge's own flag wants it. */
const STORE_LEAST_BYTES = 1_048_576n;

/** Throws RpcError "invalid_argument" that names what is wrong. */
export function checkDesired(request: SetDesiredStateRequest, machines: readonly string[]): void {
  const { edges, fencingToken } = request;
  if (fencingToken === 0n) refuse("fencing_token", 0, "at least 1");
  if (edges.length > EDGES_MAX) refuse("edges", edges.length, `at most ${EDGES_MAX}`);
  for (const edge of edges) {
    const { name, machine, publicUrl, originUrl } = edge;
    if (!NAME.test(name)) refuse("name of an edge", name, 'lower-case letters, digits and "-"');
    if (!machines.includes(machine)) refuse(`machine of ${name}`, machine, machines.join(" or "));
    for (const port of portsOf(edge))
      if (port < 1 || port > 65_535) refuse(`port of ${name}`, port, "1 to 65535");
    const clusterUrls = edge.peers.map((peer) => peer.clusterUrl).filter((url) => url !== "");
    const peerUrls = edge.peers.map((peer) => peer.publicUrl);
    for (const url of [publicUrl, originUrl, ...peerUrls, ...clusterUrls])
      if (!URL_OF_SERVER.test(url)) refuse(`address of ${name}`, url, "http(s)://HOST:PORT");
    for (const origin of edge.allowedOrigins)
      if (!URL_OF_SERVER.test(origin))
        refuse(`allowed origin of ${name}`, origin, "http(s)://HOST:PORT");
    for (const peer of edge.peers)
      if (!NAME.test(peer.name)) refuse(`peer of ${name}`, peer.name, "the name of an edge");
    if (edge.storeMaxBytes > 0n && edge.storeMaxBytes < STORE_LEAST_BYTES)
      refuse(
        `store_max_bytes of ${name}`,
        Number(edge.storeMaxBytes),
        `at least ${STORE_LEAST_BYTES}`,
      );
    checkEdge(edge, refuse);
  }
  const names = edges.map(({ name }) => name);
  const ports = edges.flatMap(portsOf);
  if (new Set(names).size < names.length) refuse("names of edges", names, "different ones");
  if (new Set(ports).size < ports.length) refuse("ports of edges", ports, "different ones");
  checkSegments(request, machines);
}

function portsOf({ port, grpcPort, adminPort, clusterPort }: EdgeSpec): number[] {
  return [port, grpcPort, adminPort, ...(clusterPort === 0 ? [] : [clusterPort])];
}
