/** The difference between what a channel has and what it shall have, for people. Pure. */
import { equals } from "@bufbuild/protobuf";
import type { EdgeSpec, Segment, SetDesiredStateRequest } from "@glassline/proto/node";
import { EdgeSpecSchema, SegmentSchema } from "@glassline/proto/node";

const FIELDS_SHOWN = 4;

/** @param hasVni false: VNIs and addresses are not chosen yet, and not told. */
export function changesBetween(
  is: SetDesiredStateRequest,
  wished: SetDesiredStateRequest,
  hasVni: boolean,
): string[] {
  const same = (one: EdgeSpec | Segment) => (other: EdgeSpec | Segment) =>
    one.name === other.name && one.machine === other.machine;
  const segments = wished.segments.flatMap((segment) => {
    const before = is.segments.find(same(segment));
    const vni = hasVni ? ` (VNI ${segment.vni}, ${segment.address})` : "";
    if (!before) return [`+ segment ${segment.name} on ${segment.machine}${vni}`];
    if (equals(SegmentSchema, before, segment)) return [];
    return [`~ segment ${segment.name} on ${segment.machine}: ${fieldsOf(before, segment)}`];
  });
  const edges = wished.edges.flatMap((edge) => {
    const before = is.edges.find(same(edge));
    if (!before) return [`+ edge ${edge.name} on ${edge.machine} (${edge.publicUrl})`];
    if (equals(EdgeSpecSchema, before, edge)) return [];
    return [`~ edge ${edge.name} on ${edge.machine}: ${fieldsOf(before, edge)}`];
  });
  const gone = [
    ...is.edges
      .filter((edge) => !wished.edges.some(same(edge)))
      .map(({ name, machine }) => `- edge ${name} on ${machine}`),
    ...is.segments
      .filter((segment) => !wished.segments.some(same(segment)))
      .map(({ name, machine }) => `- segment ${name} on ${machine}`),
  ];
  return [...segments, ...edges, ...gone];
}

/** Names of those that differ. */
function fieldsOf(before: object, after: object): string {
  const textOf = (value: unknown) =>
    JSON.stringify(value, (_key, each: unknown) => (typeof each === "bigint" ? `${each}` : each));
  const differing = Object.entries(after).filter(
    ([key, value]) => textOf(value) !== textOf(before[key as keyof object]),
  );
  const names = differing.map(([key]) =>
    key.replaceAll(/[A-Z]/g, (each) => ` ${each.toLowerCase()}`),
  );
  const more = names.length > FIELDS_SHOWN ? `, … (${names.length})` : "";
  return names.slice(0, FIELDS_SHOWN).join(", ") + more;
}
