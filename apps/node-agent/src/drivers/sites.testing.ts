/** Two sites of machines that are one overlay: VNI 1001 and 2001, with 5000 between their gateways. */
import { create } from "@bufbuild/protobuf";
import type { Segment } from "@glassline/proto/node";
import { SegmentSchema } from "@glassline/proto/node";

import type { Machine } from "@glassline/bench/namespaces/testing";

export const CORE_VNI = 5_000;

export interface Site {
  vni: number;
  machines: readonly Machine[];
  /** The active one. */
  gateway: Machine;
}

const numberOf = ({ underlay }: Machine) => underlay.split(".").at(-1)!;
const addressOf = (machine: Machine) => `10.77.0.${numberOf(machine)}`;

/** What a machine shall have: tunnels to its own site, and, if it is the gateway, to the others'. */
export function stitchedSegment(
  machine: Machine,
  sites: readonly Site[],
  more: { keyOf?: (machine: Machine) => string } = {},
): Segment {
  const { keyOf = () => "" } = more;
  const site = sites.find(({ machines }) => machines.includes(machine))!;
  const others = sites.filter((each) => each !== site);
  const peer = (of: Machine, also: readonly Machine[]) => ({
    name: `machine-${numberOf(of)}`,
    underlayAddress: of.underlay,
    address: addressOf(of),
    also: also.map(addressOf),
    wireguardPublicKey: keyOf(of),
  });
  const beyond = others.flatMap(({ machines }) => machines);
  return create(SegmentSchema, {
    name: "overlay-a",
    machine: `machine-${numberOf(machine)}`,
    vni: site.vni,
    address: `${addressOf(machine)}/24`,
    encrypted: keyOf(machine) !== "",
    peers: site.machines
      .filter((each) => each !== machine)
      .map((each) => peer(each, each === site.gateway ? beyond : [])),
    stitches:
      machine === site.gateway
        ? [
            {
              vni: CORE_VNI,
              peers: others.map(({ machines, gateway }) =>
                peer(
                  gateway,
                  machines.filter((each) => each !== gateway),
                ),
              ),
            },
          ]
        : [],
  });
}
