/** Gaps of a camera that several shards know: where one has a hole, another may have samples. Pure. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { GapCause } from "@glassline/proto/camera";
import type { Gap, ListGapsResponse, ListGapsResponseSchema } from "@glassline/proto/query";

import type { Span } from "./gaps.ts";
import { GAPS_MAX, NOTHING_CAME, byBegin, unionOf, without } from "./gaps.ts";

export function mergeGaps(
  answers: readonly ListGapsResponse[],
): MessageInitShape<typeof ListGapsResponseSchema> {
  if (answers.length === 1) return answers[0]!;
  const all = answers.flatMap(({ gaps }) => gaps);
  const told = all.filter((gap) => !isHole(gap));
  const paced = answers.filter(({ pacedFromUnixNano }) => pacedFromUnixNano > 0n);
  const gaps = [...told, ...holesOfAll(paced, told)].toSorted(byBegin);
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
  const known = holes.flat();
  return spans.flatMap(({ from, to }) => {
    const like = known.find((one) => one.fromUnixNano <= from && one.toUnixNano >= to);
    const reason = known.find((one) => one.toUnixNano === to)?.reason ?? NOTHING_CAME;
    return like ? [{ ...like, fromUnixNano: from, toUnixNano: to, reason }] : [];
  });
}

/** Of spans in order. */
function intersection(left: readonly Span[], right: readonly Span[]): Span[] {
  return left.flatMap((a) =>
    right.flatMap((b) => {
      const from = a.from > b.from ? a.from : b.from;
      const to = a.to < b.to ? a.to : b.to;
      return from < to ? [{ from, to }] : [];
    }),
  );
}

function least(values: readonly bigint[]): bigint {
  return values.length === 0 ? 0n : values.reduce((a, b) => (a < b ? a : b));
}
