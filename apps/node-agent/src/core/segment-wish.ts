/** A segment as it is wished, with what follows from it: MAC addresses, names of interfaces. Pure. */
import type { Segment, SegmentPeer } from "@glassline/proto/node";

import type { Address, Family, Network } from "./address.ts";
import { hostOf, macOf, readAddress, readNetwork } from "./address.ts";

export interface PeerWish {
  name: string;
  /** Where its tunnel ends. */
  underlay: Address;
  /** Its own, and those of who is reached by it. */
  macs: readonly string[];
  /** Of WireGuard, base64; empty: none. */
  publicKey: string;
}

/** A VXLAN interface: the segment's own, or one to beyond a gateway. */
export interface TunnelWish {
  vni: number;
  /** Its local end. */
  underlay: Address | undefined;
  peers: readonly PeerWish[];
}

export interface SegmentWish {
  name: string;
  vni: number;
  /** Bytes; 0: as much as fits. */
  mtu: number;
  network: Network;
  mac: string;
  /** Of services that are here at present. */
  services: readonly Network[];
  /** The segment's own first. Those after it make this machine a gateway. */
  tunnels: readonly [TunnelWish, ...TunnelWish[]];
  isEncrypted: boolean;
}

/** Throws when the segment was not checked. */
export function wishOf(segment: Segment): SegmentWish {
  const { name, vni, mtu, address, mac, serviceAddresses, stitches, encrypted } = segment;
  const network = known(readNetwork(address), address);
  return {
    name,
    vni,
    mtu,
    network,
    mac: mac === "" ? macOf(network) : mac,
    // A route to its network has the machine's own address already.
    services: serviceAddresses.map((each) => hostOf(known(readNetwork(each), each))),
    tunnels: [tunnelOf(segment), ...stitches.map(tunnelOf)],
    isEncrypted: encrypted,
  };
}

function tunnelOf({
  vni,
  underlayAddress,
  peers,
}: Pick<Segment, "vni" | "underlayAddress" | "peers">): TunnelWish {
  return {
    vni,
    underlay: underlayAddress === "" ? undefined : addressOf(underlayAddress),
    peers: peers.map(peerOf),
  };
}

function peerOf({
  name,
  underlayAddress,
  address,
  mac,
  also,
  wireguardPublicKey,
}: SegmentPeer): PeerWish {
  const own = mac === "" ? macOf(addressOf(address)) : mac;
  return {
    name,
    underlay: addressOf(underlayAddress),
    macs: [own, ...also.map((each) => macOf(addressOf(each)))],
    publicKey: wireguardPublicKey,
  };
}

/** Its bridge, which has the address. At most 15 characters (IFNAMSIZ). */
export const bridgeName = (vni: number) => `gl${vni}`;
/** Its VXLAN interface, a port of the bridge. */
export const tunnelName = (vni: number) => `glx${vni}`;

export const peersOf = ({ tunnels }: SegmentWish): readonly PeerWish[] =>
  tunnels.flatMap(({ peers }) => peers);

/** Of its ends. */
export function familyOf({ underlay, peers }: TunnelWish): Family {
  return (underlay ?? peers[0]?.underlay)?.family ?? "ipv4";
}

const addressOf = (text: string): Address => known(readAddress(text), text);

function known<T>(value: T | undefined, text: string): T {
  if (value === undefined) throw new Error(`address: got ${JSON.stringify(text)}`);
  return value;
}
