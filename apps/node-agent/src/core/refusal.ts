/** How a wish is refused: what, what was got, what was expected. Pure. */
import { RpcError } from "@glassline/proto/errors";

type Refuse = (what: string, got: unknown, expected: string) => never;

/** Throws RpcError "invalid_argument". */
export const refuse: Refuse = (what, got, expected) => {
  throw new RpcError(
    "invalid_argument",
    `${what}: got ${JSON.stringify(got)}, expected ${expected}`,
  );
};

export function checkDifferent(what: string, values: readonly (string | number)[]): void {
  const seen = new Set<string | number>();
  for (const value of values) {
    if (seen.has(value)) refuse(what, value, "each only once");
    seen.add(value);
  }
}
