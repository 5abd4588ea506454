/** Segments of configured overlays that were opened since: the store of VNIs gives theirs, as it does to channels. Pure. */

/** Of those that an overlay has had the last one, which it has now. */
export interface OpenedSegment {
  /** From 2: the first one is that which is configured. */
  generation: number;
  vni: number;
}

const PREFIX = "opened/";

/** As whose the store gives the VNI. */
export const ownerOfOpened = (overlay: string, generation: number) =>
  `${PREFIX}${overlay}/${generation}`;

/** Undefined: the owner is no opened segment. */
export function overlayOfOpened(owner: string): string | undefined {
  if (!owner.startsWith(PREFIX)) return undefined;
  return owner.slice(PREFIX.length, owner.lastIndexOf("/"));
}
