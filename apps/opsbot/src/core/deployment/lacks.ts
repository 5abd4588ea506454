/** What machines have of a channel, against what they shall have. Pure. */
import { create, equals } from "@bufbuild/protobuf";
import type { EdgeSpec, EdgeState, Segment, SegmentState } from "@glassline/proto/node";
import { EdgePhase, EdgeSpecSchema, SegmentPhase, SegmentSchema } from "@glassline/proto/node";

/** Segments that are not there as they shall be, for people. */
export function lackingSegments(
  wanted: readonly Segment[],
  states: readonly SegmentState[],
): string[] {
  return wanted.flatMap((segment) => {
    const { name, machine } = segment;
    const state = states.find(
      (one) => one.segment?.name === name && one.segment.machine === machine,
    );
    const isWished = state?.segment && equals(SegmentSchema, state.segment, segment);
    if (isWished && state.phase === SegmentPhase.UP) return [];
    const why = state?.problem ? `: ${state.problem}` : "";
    return [`${name} on ${machine} is not up${why}`];
  });
}

/** Edges that do not run as they shall, or are not ready, for people. */
export function lackingEdges(wanted: readonly EdgeSpec[], states: readonly EdgeState[]): string[] {
  return wanted.flatMap((spec) => {
    const state = stateOf(spec, states);
    if (state && isAsWished(spec, state) && state.current && state.phase === EdgePhase.READY)
      return [];
    return [`${spec.name} on ${spec.machine} ${whyNot(spec, state)}`];
  });
}

/** Edges whose node-agent was not told of them as they shall be; what ends and is started again is none. */
export function unknownEdges(wanted: readonly EdgeSpec[], states: readonly EdgeState[]): string[] {
  return wanted.flatMap((spec) => {
    const state = stateOf(spec, states);
    if (state?.givenUp) return [`${spec.name} on ${spec.machine} ended too often`];
    return state ? [] : [`${spec.name} is not on ${spec.machine}`];
  });
}

/** What is of the channel and not wanted. */
export function surplusOf(
  channel: string,
  wanted: { edges: readonly EdgeSpec[]; segments: readonly Segment[] },
  seen: { edges: readonly EdgeState[]; segments: readonly SegmentState[] },
): string[] {
  const has = (all: readonly { name: string; machine: string }[], name: string, machine: string) =>
    all.some((one) => one.name === name && one.machine === machine);
  const edges = seen.edges.flatMap(({ spec, machine }) =>
    spec?.channel === channel && !has(wanted.edges, spec.name, machine || spec.machine)
      ? [`${spec.name} is still on ${machine || spec.machine}`]
      : [],
  );
  const segments = seen.segments.flatMap(({ segment }) =>
    segment?.name === channel && !has(wanted.segments, segment.name, segment.machine)
      ? [`segment ${segment.name} is still on ${segment.machine}`]
      : [],
  );
  return [...edges, ...segments];
}

function stateOf({ name, machine }: EdgeSpec, states: readonly EdgeState[]) {
  return states.find(
    (one) => one.spec?.name === name && (one.machine || one.spec.machine) === machine,
  );
}

/** Its generation may have been raised by a restart. */
function isAsWished(spec: EdgeSpec, { spec: is }: EdgeState): boolean {
  if (!is) return false;
  const same = create(EdgeSpecSchema, { ...is, generation: spec.generation });
  return equals(EdgeSpecSchema, same, spec);
}

function whyNot(spec: EdgeSpec, state: EdgeState | undefined): string {
  if (!state) return "is not known to its node-agent";
  if (state.givenUp) return `ended too often (${state.lastEnd})`;
  if (state.waitsFor !== "") return `waits for ${state.waitsFor}`;
  if (!isAsWished(spec, state) || !state.current) return "runs as it did before";
  if (state.phase === EdgePhase.WAITING)
    return state.lastEnd === "" ? "is about to be started" : `has ended (${state.lastEnd})`;
  return "is not ready";
}
