/** Gaps of a camera that several shards know: where one has a hole, another may have samples. Pure. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { GapCause } from "@glassline/proto/camera";
import type { Gap, ListGapsResponse, ListGapsResponseSchema } from "@glassline/proto/query";

import type { Span } from "./gaps.ts";
import { GAPS_MAX, NOTHING_CAME, byBegin, unionOf, without } from "./gaps.ts";

/** @param window of the question; `to` 0: no end. */
export function mergeGaps(
  answers: readonly ListGapsResponse[],
  window: Span,
): MessageInitShape<typeof ListGapsResponseSchema> {
  if (answers.length === 1) return answers[0]!;
  const all = answers.flatMap(({ gaps }) => gaps);
  const told = all.filter((gap) => !isHole(gap));
  const paced = answers.filter(({ pacedFromUnixNano }) => pacedFromUnixNano > 0n);
  // A shard with a few samples only may have the newest ones.
  const isSure = paced.length === answers.length;
  const isShown = ({ toUnixNano: to, reason }: Gap) =>
    to > window.from && (isSure || (reason === NOTHING_CAME && to !== window.to));
  const gaps = [...told, ...holesOfAll(paced, told).filter(isShown)].toSorted(byBegin);
  return {
    gaps: gaps.slice(0, GAPS_MAX),
    truncated: gaps.length > GAPS_MAX || answers.some(({ truncated }) => truncated),
    pacedFromUnixNano: least(paced.map(({ pacedFromUnixNano }) => pacedFromUnixNano)),
    holeLeastNano: least(paced.map(({ holeLeastNano }) => holeLeastNano)),
  };
}

/** Nobody told. */
function isHole({ cause, reports }: Gap): boolean {
  return cause === GapCause.UNSPECIFIED && reports === 0n;
}

/** What is a hole at each shard that knows the camera: before its first sample a shard knows nothing. */
function holesOfAll(paced: readonly ListGapsResponse[], told: readonly Gap[]): Gap[] {
  if (paced.length === 0) return [];
  const holes = paced.map(({ gaps }) => gaps.filter(isHole));
  const empty = paced.map(({ pacedFromUnixNano }, at) => [
    { from: 0n, to: pacedFromUnixNano },
    ...holes[at]!.map(({ fromUnixNano, toUnixNano }) => ({ from: fromUnixNano, to: toUnixNano })),
  ]);
  const covered = unionOf(told);
  const holeLeast = least(paced.map(({ holeLeastNano }) => holeLeastNano));
  const spans = empty
    .reduce(intersection)
    .filter(({ from }) => from > 0n)
    .flatMap((span) => without(span, covered, 0))
    .filter(({ from, to }) => to - from > holeLeast);
  const [like] = holes.flat();
  const reasons = new Map(holes.flat().map(({ toUnixNano, reason }) => [toUnixNano, reason]));
  return spans.flatMap(({ from, to }) =>
    like
      ? [
          {
            ...like,
            fromUnixNano: from,
            toUnixNano: to,
            reason: reasons.get(to) ?? NOTHING_CAME,
          },
        ]
      : [],
  );
}

/** Of spans in order, which do not touch. */
function intersection(left: readonly Span[], right: readonly Span[]): Span[] {
  const both: Span[] = [];
  let [a, b] = [0, 0];
  while (a < left.length && b < right.length) {
    const [one, other] = [left[a]!, right[b]!];
    const from = one.from > other.from ? one.from : other.from;
    const to = one.to < other.to ? one.to : other.to;
    if (from < to) both.push({ from, to });
    if (one.to < other.to) a++;
    else b++;
  }
  return both;
}

function least(values: readonly bigint[]): bigint {
  return values.length === 0 ? 0n : values.reduce((a, b) => (a < b ? a : b));
}
