/** The mesh of WireGuard below encrypted segments: who has which address in it, and how it is configured. Pure. */
import type { Address, Network } from "./address.ts";
import { contains, readAddress, readNetwork } from "./address.ts";
import { UNDERLAY_MTU } from "./segment-mtu.ts";
import type { SegmentWish } from "./segment-wish.ts";
import { peersOf } from "./segment-wish.ts";

/** Of addresses in the mesh: an IPv6 ULA prefix (RFC 4193), with the first 80 bits of the public key behind it. */
const PREFIX = "fd47:6c77:6700";
export const MESH_PREFIX_LENGTH = 48;
export const MESH: Network = readNetwork(`${PREFIX}::/${MESH_PREFIX_LENGTH}`)!;
const KEY_BYTES = 10;
/** Outer IP, UDP and WireGuard's header and tag, bytes. Source: the WireGuard paper, section 5.4.6. */
const OVERHEAD = { ipv4: 20 + 8 + 32, ipv6: 40 + 8 + 32 } as const;

export interface MeshPeer {
  /** Base64. */
  publicKey: string;
  /** Where its WireGuard listens. */
  endpoint: Address;
}

/** Whoever has the key has the address: there is nothing to agree upon. */
export function meshAddress(publicKey: string): Address {
  const key = atob(publicKey);
  const hex = Array.from({ length: KEY_BYTES }, (_, at) =>
    (key.codePointAt(at) ?? 0).toString(16).padStart(2, "0"),
  ).join("");
  const text = [PREFIX, ...hex.match(/.{4}/g)!].join(":");
  const address = readAddress(text);
  if (!address) throw new Error(`public key: got ${JSON.stringify(publicKey)}, expected base64`);
  return address;
}

/** The same segment with tunnels between addresses of the mesh. */
export function throughMesh(wish: SegmentWish, publicKey: string): SegmentWish {
  const [own, ...stitches] = wish.tunnels;
  const through = (tunnel: typeof own) => ({
    ...tunnel,
    underlay: meshAddress(publicKey),
    peers: tunnel.peers.map((peer) => ({ ...peer, underlay: meshAddress(peer.publicKey) })),
  });
  return { ...wish, tunnels: [through(own), ...stitches.map(through)] };
}

/** @param wishes with the underlay's own addresses. */
export function meshPeers(wishes: readonly SegmentWish[]): MeshPeer[] {
  const peers = wishes.filter(({ isEncrypted }) => isEncrypted).flatMap(peersOf);
  const endpoints = new Map(peers.map(({ publicKey, underlay }) => [publicKey, underlay]));
  return [...endpoints].map(([publicKey, endpoint]) => ({ publicKey, endpoint }));
}

export function isInMesh(text: string): boolean {
  const address = readAddress(text);
  return address !== undefined && contains(MESH, address);
}

/** @param ways the endpoints' families, with the MTU of the way to each, bytes. @returns bytes. */
export function meshMtu(ways: readonly { family: "ipv4" | "ipv6"; mtu: number }[]): number {
  const most = ways.map(({ family, mtu }) => mtu - OVERHEAD[family]);
  return Math.min(...(most.length === 0 ? [UNDERLAY_MTU - OVERHEAD.ipv6] : most));
}

/** As `wg syncconf` reads it. Source: wg(8). */
export function meshConfiguration(
  privateKey: string,
  port: number,
  peers: readonly MeshPeer[],
): string {
  const sections = peers.map(
    ({ publicKey, endpoint }) =>
      `[Peer]\nPublicKey = ${publicKey}\nAllowedIPs = ${meshAddress(publicKey).text}/128\nEndpoint = ${endpointText(endpoint, port)}\n`,
  );
  return [`[Interface]\nPrivateKey = ${privateKey}\nListenPort = ${port}\n`, ...sections].join(
    "\n",
  );
}

/** @param dump of `wg show INTERFACE dump`. */
export function isConfigured(
  dump: string,
  publicKey: string,
  port: number,
  peers: readonly MeshPeer[],
): boolean {
  const [own = [], ...others] = dump
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t"));
  const is = others.map(([key, , endpoint, allowed]) => `${key} ${endpoint} ${allowed}`);
  const wanted = peers.map(
    (peer) =>
      `${peer.publicKey} ${endpointText(peer.endpoint, port)} ${meshAddress(peer.publicKey).text}/128`,
  );
  return (
    own[1] === publicKey &&
    own[2] === String(port) &&
    new Set(is).symmetricDifference(new Set(wanted)).size === 0
  );
}

const endpointText = ({ family, text }: Address, port: number) =>
  family === "ipv6" ? `[${text}]:${port}` : `${text}:${port}`;
