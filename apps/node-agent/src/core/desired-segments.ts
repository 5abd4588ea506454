/** What a wish for segments must fulfil before it is stored. Pure. */
import type { Segment, SetDesiredStateRequest } from "@glassline/proto/node";

import type { Network } from "./address.ts";
import { overlaps, rangeOf, readNetwork, textOf } from "./address.ts";
import { UNUSABLE, checkPeers } from "./desired-peers.ts";
import { NAME } from "./name.ts";
import { checkDifferent, refuse } from "./refusal.ts";
import { MESH } from "./wireguard.ts";

const SEGMENTS_MAX = 1_024;
/** Of all segments and their stitches together: peers, and who is reached by them. */
const ALL_PEERS_MAX = 16_384;
const MTU = { least: { ipv4: 576, ipv6: 1_280 }, max: 65_485 } as const;
/** A network that is larger would take the machine's own routes away. */
const PREFIX_LEAST = { ipv4: 8, ipv6: 32 } as const;

/** Throws RpcError "invalid_argument" that names what is wrong. The machines of an agent share one kernel. */
export function checkSegments(
  { segments, edges }: SetDesiredStateRequest,
  machines: readonly string[],
): void {
  if (segments.length > SEGMENTS_MAX)
    refuse("segments", segments.length, `at most ${SEGMENTS_MAX}`);
  const peers = segments.reduce((sum, segment) => sum + countPeers(segment), 0);
  if (peers > ALL_PEERS_MAX) refuse("peers of all segments", peers, `at most ${ALL_PEERS_MAX}`);
  for (const segment of segments) checkSegment(segment, machines);
  checkDifferent(
    "names of segments",
    segments.map(({ name }) => name),
  );
  checkDifferent(
    "VNIs of segments",
    segments.flatMap(({ vni, stitches }) => [vni, ...stitches.map((stitch) => stitch.vni)]),
  );
  checkApart(segments);
  checkKeys(segments);
  for (const { name, machine, segment } of edges)
    if (
      segment !== "" &&
      !segments.some((each) => each.name === segment && each.machine === machine)
    )
      refuse(`segment of ${name}`, segment, `the name of a segment of ${machine}`);
}

function countPeers({ peers, stitches }: Segment): number {
  const all = [...peers, ...stitches.flatMap((stitch) => stitch.peers)];
  return all.reduce((sum, { also }) => sum + 1 + also.length, 0);
}

function checkSegment(segment: Segment, machines: readonly string[]): void {
  const { name, machine, mtu } = segment;
  if (!NAME.test(name)) refuse("name of a segment", name, 'lower-case letters, digits and "-"');
  if (!machines.includes(machine)) refuse(`machine of ${name}`, machine, machines.join(" or "));
  const network = checkAddress(segment);
  const least = MTU.least[network.family];
  if (mtu !== 0 && (mtu < least || mtu > MTU.max))
    refuse(`mtu of ${name}`, mtu, `0, or ${least} to ${MTU.max}`);
  checkPeers(segment, network);
}

function checkAddress({ name, address }: Segment): Network {
  const what = `address of ${name}`;
  const network =
    readNetwork(address) ?? refuse(what, address, "an address and a prefix: 10.77.0.1/24");
  const range = rangeOf(network);
  if (UNUSABLE.has(range)) refuse(what, address, `no ${range} address`);
  if (overlaps(network, MESH)) refuse(what, address, `a network outside ${textOf(MESH)}`);
  const least = PREFIX_LEAST[network.family];
  const max = network.family === "ipv4" ? 30 : 126;
  if (network.prefix < least || network.prefix > max)
    refuse(what, address, `a prefix of ${least} to ${max}`);
  const isBroadcast = network.family === "ipv4" && network.value === network.last;
  if (network.value === network.first || isBroadcast)
    refuse(what, address, "the address of a machine, not that of the network");
  return network;
}

/** A machine has one key, and one place where its WireGuard listens. */
function checkKeys(segments: readonly Segment[]): void {
  const places = new Map<string, string>();
  for (const { name, peers, stitches } of segments.filter(({ encrypted }) => encrypted))
    for (const peer of [...peers, ...stitches.flatMap((stitch) => stitch.peers)]) {
      const known = places.get(peer.wireguardPublicKey) ?? peer.underlayAddress;
      if (known !== peer.underlayAddress)
        refuse(
          `underlay_address of ${peer.name} in ${name}`,
          peer.underlayAddress,
          `${known}, as elsewhere with its wireguard_public_key`,
        );
      places.set(peer.wireguardPublicKey, known);
    }
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
