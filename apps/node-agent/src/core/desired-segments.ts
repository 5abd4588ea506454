/** What a wish for segments must fulfil before it is stored. Pure. */
import { RpcError } from "@glassline/proto/errors";
import type { Segment, SegmentPeer, SetDesiredStateRequest } from "@glassline/proto/node";

import type { Network } from "./address.ts";
import { contains, overlaps, readAddress, readNetwork } from "./address.ts";
import { wishOf } from "./segment-wish.ts";

const SEGMENTS_MAX = 1_024;
const PEERS_MAX = 256;
/** Of all segments together. */
const ALL_PEERS_MAX = 16_384;
const VNI_MAX = 16_777_214;
const MTU = { least: { ipv4: 576, ipv6: 1_280 }, max: 65_485 } as const;
/** A network that is larger would take the machine's own routes away. */
const PREFIX_LEAST = { ipv4: 8, ipv6: 32 } as const;
const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
/** Of one machine, not of a group. */
const MAC = /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/;
const ZERO_MAC = "00:00:00:00:00:00";
const UNUSABLE = new Set([
  "unspecified",
  "broadcast",
  "multicast",
  "linkLocal",
  "loopback",
  "ipv4Mapped",
]);

type Refuse = (what: string, got: unknown, expected: string) => never;

const refuse: Refuse = (what, got, expected) => {
  throw new RpcError(
    "invalid_argument",
    `${what}: got ${JSON.stringify(got)}, expected ${expected}`,
  );
};

/** Throws RpcError "invalid_argument" that names what is wrong. The machines of an agent share one kernel. */
export function checkSegments(
  { segments, edges }: SetDesiredStateRequest,
  machines: readonly string[],
): void {
  if (segments.length > SEGMENTS_MAX)
    refuse("segments", segments.length, `at most ${SEGMENTS_MAX}`);
  const peers = segments.reduce((sum, segment) => sum + segment.peers.length, 0);
  if (peers > ALL_PEERS_MAX) refuse("peers of all segments", peers, `at most ${ALL_PEERS_MAX}`);
  for (const segment of segments) checkSegment(segment, machines);
  checkDifferent(
    "names of segments",
    segments.map(({ name }) => name),
  );
  checkDifferent(
    "VNIs of segments",
    segments.map(({ vni }) => vni),
  );
  checkApart(segments);
  for (const { name, machine, segment } of edges)
    if (
      segment !== "" &&
      !segments.some((each) => each.name === segment && each.machine === machine)
    )
      refuse(`segment of ${name}`, segment, `the name of a segment of ${machine}`);
}

function checkSegment(segment: Segment, machines: readonly string[]): void {
  const { name, machine, vni, mtu, peers, mac } = segment;
  if (!NAME.test(name)) refuse("name of a segment", name, 'lower-case letters, digits and "-"');
  if (!machines.includes(machine)) refuse(`machine of ${name}`, machine, machines.join(" or "));
  if (vni < 1 || vni > VNI_MAX) refuse(`vni of ${name}`, vni, `1 to ${VNI_MAX}`);
  if (peers.length > PEERS_MAX) refuse(`peers of ${name}`, peers.length, `at most ${PEERS_MAX}`);
  const network = checkAddress(segment);
  const least = MTU.least[network.family];
  if (mtu !== 0 && (mtu < least || mtu > MTU.max))
    refuse(`mtu of ${name}`, mtu, `0, or ${least} to ${MTU.max}`);
  checkMac(name, mac);
  for (const peer of peers) checkPeer(name, peer, network);
  checkUnderlay(segment, network);
  const wish = wishOf(segment);
  checkDifferent(`addresses in ${name}`, [
    network.text,
    ...peers.map(({ address }) => readAddress(address)!.text),
  ]);
  checkDifferent(`MAC addresses in ${name}`, [wish.mac, ...wish.peers.map((peer) => peer.mac)]);
  checkDifferent(
    `names of the peers of ${name}`,
    peers.map((peer) => peer.name),
  );
}

function checkAddress({ name, address }: Segment): Network {
  const what = `address of ${name}`;
  const network =
    readNetwork(address) ?? refuse(what, address, "an address and a prefix: 10.77.0.1/24");
  if (UNUSABLE.has(network.range)) refuse(what, address, `no ${network.range} address`);
  const least = PREFIX_LEAST[network.family];
  const max = network.family === "ipv4" ? 30 : 126;
  if (network.prefix < least || network.prefix > max)
    refuse(what, address, `a prefix of ${least} to ${max}`);
  const isBroadcast = network.family === "ipv4" && network.value === network.last;
  if (network.value === network.first || isBroadcast)
    refuse(what, address, "the address of a machine, not that of the network");
  return network;
}

function checkPeer(segment: string, peer: SegmentPeer, network: Network): void {
  const { name, address, mac } = peer;
  if (!NAME.test(name)) refuse(`peer of ${segment}`, name, "the name of a machine");
  const parsed = readAddress(address);
  if (!parsed || !contains(network, parsed) || parsed.value === network.first)
    refuse(`address of ${name} in ${segment}`, address, `an address of ${segment}'s network`);
  checkMac(`${name} in ${segment}`, mac);
}

/** All tunnels of a segment are of one family, and do not run through themselves. */
function checkUnderlay({ name, underlayAddress, peers }: Segment, network: Network): void {
  const ends = peers.map((peer) => ({ of: `${peer.name} in ${name}`, text: peer.underlayAddress }));
  if (underlayAddress !== "") ends.unshift({ of: name, text: underlayAddress });
  const families = new Set<string>();
  for (const { of, text } of ends) {
    const what = `underlay_address of ${of}`;
    const address = readAddress(text) ?? refuse(what, text, "an IPv4 or IPv6 address");
    if (UNUSABLE.has(address.range)) refuse(what, text, `no ${address.range} address`);
    if (contains(network, address)) refuse(what, text, `an address outside ${name}'s network`);
    families.add(address.family);
  }
  if (families.size > 1)
    refuse(`underlay addresses of ${name}`, [...families], "all IPv4 or all IPv6");
}

function checkMac(of: string, mac: string): void {
  if (mac !== "" && (!MAC.test(mac) || mac === ZERO_MAC))
    refuse(`mac of ${of}`, mac, "six bytes of one machine: 02:47:0a:4d:00:01");
}

/** Two segments with a common address could not be told apart by the kernel's routes. */
function checkApart(segments: readonly Segment[]): void {
  const sorted = segments
    .map((segment) => ({ ...segment, network: readNetwork(segment.address)! }))
    .toSorted((one, other) => (one.network.first < other.network.first ? -1 : 1));
  for (const family of ["ipv4", "ipv6"]) {
    const same = sorted.filter(({ network }) => network.family === family);
    for (const [at, { name, address, network }] of same.entries()) {
      const before = same[at - 1];
      if (before && overlaps(before.network, network))
        refuse(
          `address of ${name}`,
          address,
          `a network that ${before.name} (${before.address}) has no part in`,
        );
    }
  }
}

function checkDifferent(what: string, values: readonly (string | number)[]): void {
  const twice = values.find((value, at) => values.indexOf(value) < at);
  if (twice !== undefined) refuse(what, twice, "each only once");
}
