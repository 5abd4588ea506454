/** A segment of machines that are network namespaces. */
import { create } from "@bufbuild/protobuf";
import type { Machine } from "@glassline/bench/namespaces/testing";
import type { Segment } from "@glassline/proto/node";
import { SegmentSchema } from "@glassline/proto/node";

/** A machine's part of an overlay that all of these machines are in: machine n is 10.77.0.n. */
export function segmentOf(
  machine: Machine,
  all: readonly Machine[],
  more: { name?: string; vni?: number; mtu?: number; subnet?: number } = {},
): Segment {
  const { name = "overlay-a", vni = 70_000, mtu = 0, subnet = 77 } = more;
  const number = (of: Machine) => of.underlay.split(".").at(-1)!;
  return create(SegmentSchema, {
    name,
    machine: `machine-${number(machine)}`,
    vni,
    mtu,
    address: `10.${subnet}.0.${number(machine)}/24`,
    peers: all
      .filter((each) => each !== machine)
      .map((each) => ({
        name: `machine-${number(each)}`,
        underlayAddress: each.underlay,
        address: `10.${subnet}.0.${number(each)}`,
      })),
  });
}
