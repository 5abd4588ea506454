/** Objects that say the same are one: thousands of responses have the same fields and policies. Pure, and bounded. */
import type { FieldLine } from "./fields.ts";
import { Fields } from "./fields.ts";
import type { Policy } from "./freshness.ts";

/** Of more, all are forgotten, and what is new is shared from then on. */
const KNOWN_MAX = 4_096;

export class Sharing {
  readonly #lines = new Map<string, FieldLine>();
  readonly #policies = new Map<string, Policy>();

  fields({ lines }: Fields): Fields {
    const shared = Array.from<FieldLine>({ length: lines.length });
    for (const [at, line] of lines.entries()) shared[at] = this.#line(line);
    return new Fields(shared);
  }

  policy(policy: Policy): Policy {
    return one(this.#policies, Object.values(policy).join(), policy);
  }

  #line(line: FieldLine): FieldLine {
    return one(this.#lines, `${line[0]}:${line[1]}`, line);
  }
}

function one<T>(known: Map<string, T>, name: string, value: T): T {
  const shared = known.get(name);
  if (shared !== undefined) return shared;
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(name, value);
  return value;
}
