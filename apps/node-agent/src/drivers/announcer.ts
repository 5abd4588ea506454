/** Tells the others of a segment at once which machine has a service's address now. */
import { messageOf } from "@glassline/service/errors";

import type { SegmentWish } from "../core/segment-wish.ts";
import { bridgeName } from "../core/segment-wish.ts";
import type { NetworkPrograms } from "./network-programs.ts";

/** Of the kernel's settings by interface: whoever gets a MAC address tells all its addresses. Source: ip-sysctl. */
const SETTINGS = {
  ipv4: (bridge: string) => `/proc/sys/net/ipv4/conf/${bridge}/arp_notify`,
  ipv6: (bridge: string) => `/proc/sys/net/ipv6/conf/${bridge}/ndisc_notify`,
} as const;

/** @returns what is to be called once in each pass with the segments that have got addresses of services. */
export function announcerOf(programs: NetworkPrograms) {
  /** A packet can be lost: each is told once more by the next pass. */
  let again: readonly SegmentWish[] = [];

  const announce = async (all: readonly SegmentWish[]) => {
    // It has that MAC address already: the kernel sends its gratuitous ARP, or unsolicited advertisement, all the same.
    const lines = all.map(({ vni, mac }) => `link set dev ${bridgeName(vni)} address ${mac}`);
    const { failures } = await programs.batch("ip", lines);
    return new Map(
      [...failures].map(([at, problem]) => [all[at]!.name, `announcement: ${problem}`]),
    );
  };

  /** @returns what went wrong, by segment. */
  return async (coming: readonly SegmentWish[]): Promise<ReadonlyMap<string, string>> => {
    const due = again.filter(({ name }) => !coming.some((wish) => wish.name === name));
    again = coming;
    try {
      if (coming.length > 0)
        await programs.write(
          coming.map(({ vni, network }) => SETTINGS[network.family](bridgeName(vni))),
          "1\n",
        );
      const failures = await announce([...coming, ...due]);
      return new Map([...failures].filter(([name]) => coming.some((wish) => wish.name === name)));
    } catch (error) {
      return new Map(coming.map(({ name }) => [name, `announcement: ${messageOf(error)}`]));
    }
  };
}
