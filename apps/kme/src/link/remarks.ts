/** Remarks on a link: made, and read into what the distillation takes. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import type { Remark } from "@glassline/proto/kme";
import { RemarkSchema } from "@glassline/proto/kme";

export type Said = NonNullable<MessageInitShape<typeof RemarkSchema>["remark"]>;

export const remark = (said: Said): Remark => create(RemarkSchema, { remark: said });

/** The other end did what it may not; the link is given up. */
export class LinkProblem extends Error {
  override readonly name = "LinkProblem";
}

/** Ascending numbers, each less the one before. */
export function gapsOf(numbers: Uint32Array): number[] {
  return Array.from(numbers, (number, at) => number - (at === 0 ? 0 : numbers[at - 1]!));
}

/** Throws LinkProblem: they do not ascend, or go beyond `limit`. */
export function numbersOf(gaps: readonly number[], limit: number): Uint32Array {
  let last = -1;
  return Uint32Array.from(gaps, (gap, at) => {
    const number = at === 0 ? gap : last + gap;
    if (number <= last || number >= limit)
      throw new LinkProblem(`pulses: got ${number} after ${last}, expected less than ${limit}`);
    return (last = number);
  });
}
