/** What the peers of a segment, and those beyond its gateway, must fulfil. Pure. */
import type { Segment, SegmentPeer } from "@glassline/proto/node";

import type { Network } from "./address.ts";
import { contains, rangeOf, readAddress, readNetwork } from "./address.ts";
import { NAME } from "./name.ts";
import { checkDifferent, refuse } from "./refusal.ts";
import { wishOf } from "./segment-wish.ts";

const PEERS_MAX = 256;
const ALSO_MAX = 1_024;
const SERVICES_MAX = 64;
const STITCHES_MAX = 4;
const VNI_MAX = 16_777_214;
/** Of one machine, not of a group. */
const MAC = /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/;
const ZERO_MAC = "00:00:00:00:00:00";
/** 32 bytes. */
const PUBLIC_KEY = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;
export const UNUSABLE: ReadonlySet<string> = new Set([
  "unspecified",
  "broadcast",
  "multicast",
  "linkLocal",
  "loopback",
  "ipv4Mapped",
]);

/** The segment's own tunnel, or a stitch. */
interface Tunnel {
  /** For people. */
  of: string;
  vni: number;
  underlayAddress: string;
  peers: readonly SegmentPeer[];
}

/** What an address must lie in. */
interface Place {
  /** Of the segment. */
  name: string;
  network: Network;
}

/** @param network that of the segment. */
export function checkPeers(segment: Segment, network: Network): void {
  const { name, mac, stitches } = segment;
  if (stitches.length > STITCHES_MAX)
    refuse(`stitches of ${name}`, stitches.length, `at most ${STITCHES_MAX}`);
  const tunnels = [
    { ...segment, of: name },
    ...stitches.map((stitch) => ({ ...stitch, of: `${name}'s stitch ${stitch.vni}` })),
  ];
  checkMac(name, mac);
  for (const tunnel of tunnels) checkTunnel(tunnel, segment.encrypted, { name, network });
  checkServices(segment, { name, network });
  checkGateways(segment);
  const peers = tunnels.flatMap((tunnel) => tunnel.peers);
  checkDifferent(`addresses in ${name}`, [
    network.text,
    ...segment.serviceAddresses.map((address) => readNetwork(address)!.text),
    ...peers.flatMap(({ address, also }) =>
      [address, ...also].map((each) => readAddress(each)!.text),
    ),
  ]);
  const wish = wishOf(segment);
  checkDifferent(`MAC addresses in ${name}`, [
    wish.mac,
    ...wish.tunnels.flatMap((tunnel) => tunnel.peers.flatMap(({ macs }) => macs)),
  ]);
  checkDifferent(
    `names of the peers of ${name}`,
    peers.map((peer) => peer.name),
  );
}

function checkTunnel(tunnel: Tunnel, isEncrypted: boolean, place: Place): void {
  const { of, vni, peers } = tunnel;
  if (vni < 1 || vni > VNI_MAX) refuse(`vni of ${of}`, vni, `1 to ${VNI_MAX}`);
  if (peers.length > PEERS_MAX) refuse(`peers of ${of}`, peers.length, `at most ${PEERS_MAX}`);
  for (const peer of peers) checkPeer(of, peer, isEncrypted, place);
  checkUnderlay(tunnel, place);
}

function checkPeer(of: string, peer: SegmentPeer, isEncrypted: boolean, place: Place): void {
  const { name, address, also, mac, wireguardPublicKey } = peer;
  if (!NAME.test(name)) refuse(`peer of ${of}`, name, "the name of a machine");
  checkInside(`address of ${name} in ${of}`, address, place);
  if (also.length > ALSO_MAX)
    refuse(`also of ${name} in ${of}`, also.length, `at most ${ALSO_MAX}`);
  for (const each of also) checkInside(`also of ${name} in ${of}`, each, place);
  checkMac(`${name} in ${of}`, mac);
  if (isEncrypted && !PUBLIC_KEY.test(wireguardPublicKey))
    refuse(`wireguard_public_key of ${name} in ${of}`, wireguardPublicKey, "32 bytes as base64");
}

function checkInside(what: string, text: string, { name, network }: Place): void {
  const address = readAddress(text);
  if (!address || !contains(network, address) || address.value === network.first)
    refuse(what, text, `an address of ${name}'s network`);
}

function checkServices({ serviceAddresses }: Segment, place: Place): void {
  const { name, network } = place;
  const what = `service_addresses of ${name}`;
  if (serviceAddresses.length > SERVICES_MAX)
    refuse(what, serviceAddresses.length, `at most ${SERVICES_MAX}`);
  for (const text of serviceAddresses) {
    const service =
      readNetwork(text) ?? refuse(what, text, "an address and a prefix: 10.77.0.100/24");
    checkInside(what, service.text, place);
    const host = network.family === "ipv4" ? 32 : 128;
    if (service.prefix !== network.prefix && service.prefix !== host)
      refuse(what, text, `a prefix of ${network.prefix}, as the segment's`);
    if (network.family === "ipv4" && service.value === network.last)
      refuse(what, text, "the address of a machine, not that of the network");
  }
}

/** Two gateways between the same segments would send what is for all around for ever. */
function checkGateways({ name, peers, stitches }: Segment): void {
  const near = new Map(peers.map((peer) => [readAddress(peer.underlayAddress)!.text, peer.name]));
  for (const { vni, peers: gateways } of stitches)
    for (const { name: gateway, underlayAddress } of gateways) {
      const peer = near.get(readAddress(underlayAddress)!.text);
      if (peer !== undefined)
        refuse(
          `underlay_address of ${gateway} in ${name}'s stitch ${vni}`,
          underlayAddress,
          `the gateway of another site, not ${peer}, a peer of ${name}`,
        );
    }
}

/** All tunnels of a segment are of one family, and do not run through themselves. */
function checkUnderlay({ of, underlayAddress, peers }: Tunnel, { name, network }: Place): void {
  const ends = peers.map((peer) => ({
    end: `${peer.name} in ${of}`,
    text: peer.underlayAddress,
  }));
  if (underlayAddress !== "") ends.unshift({ end: of, text: underlayAddress });
  const families = new Set<string>();
  for (const { end, text } of ends) {
    const what = `underlay_address of ${end}`;
    const address = readAddress(text) ?? refuse(what, text, "an IPv4 or IPv6 address");
    const range = rangeOf(address);
    if (UNUSABLE.has(range)) refuse(what, text, `no ${range} address`);
    if (contains(network, address)) refuse(what, text, `an address outside ${name}'s network`);
    families.add(address.family);
  }
  if (families.size > 1)
    refuse(`underlay addresses of ${of}`, [...families], "all IPv4 or all IPv6");
}

function checkMac(of: string, mac: string): void {
  if (mac !== "" && (!MAC.test(mac) || mac === ZERO_MAC))
    refuse(`mac of ${of}`, mac, "six bytes of one machine: 02:47:0a:4d:00:01");
}
