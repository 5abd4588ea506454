import type { GetTraceResponse } from "@glassline/proto/query";

/** What a trace that is about no camera is called: its first span, and whose that is. */
export function spanName({ hops }: GetTraceResponse): string {
  const [first] = hops.toSorted((left, right) => Number(left.startUnixNano - right.startUnixNano));
  return [first?.name, first?.service].filter(Boolean).join(" of ");
}
