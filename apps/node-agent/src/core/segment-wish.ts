/** A segment as it is wished, with what follows from it: MAC addresses, names of interfaces. Pure. */
import type { Segment } from "@glassline/proto/node";

import type { Address, Family, Network } from "./address.ts";
import { macOf, readAddress, readNetwork } from "./address.ts";

export interface SegmentWish {
  name: string;
  vni: number;
  /** Bytes; 0: as much as fits. */
  mtu: number;
  network: Network;
  mac: string;
  /** The local end of its tunnels. */
  underlay: Address | undefined;
  peers: readonly { name: string; underlay: Address; mac: string }[];
}

/** Throws when the segment was not checked. */
export function wishOf(segment: Segment): SegmentWish {
  const { name, vni, mtu, address, mac, underlayAddress, peers } = segment;
  const network = known(readNetwork(address), address);
  return {
    name,
    vni,
    mtu,
    network,
    mac: mac === "" ? macOf(network) : mac,
    underlay: underlayAddress === "" ? undefined : addressOf(underlayAddress),
    peers: peers.map((peer) => ({
      name: peer.name,
      underlay: addressOf(peer.underlayAddress),
      mac: peer.mac === "" ? macOf(addressOf(peer.address)) : peer.mac,
    })),
  };
}

/** Its bridge, which has the address. At most 15 characters (IFNAMSIZ). */
export const bridgeName = (vni: number) => `gl${vni}`;
/** Its VXLAN interface, a port of the bridge. */
export const tunnelName = (vni: number) => `glx${vni}`;

/** Of the tunnels. */
export function familyOf({ underlay, peers }: SegmentWish): Family {
  return (underlay ?? peers[0]?.underlay)?.family ?? "ipv4";
}

const addressOf = (text: string): Address => known(readAddress(text), text);

function known<T>(value: T | undefined, text: string): T {
  if (value === undefined) throw new Error(`address: got ${JSON.stringify(text)}`);
  return value;
}
