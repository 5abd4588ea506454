/** For machines that can have no segments, or shall have none. */
import type { SegmentDriver } from "./segment-driver.ts";

export function noSegmentsDriver(refusal: string): SegmentDriver {
  return {
    refusal,
    apply: (wishes) =>
      Promise.resolve({
        segments: wishes.map(({ name }) => ({
          name,
          isUp: false,
          problem: refusal,
          mtu: 0,
          isPeersOnly: false,
        })),
        leftovers: [],
        foreignTunnels: [],
        changes: 0,
      }),
    foreignTunnels: () => Promise.resolve([]),
  };
}
