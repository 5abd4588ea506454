/** How a request is refused: what, what was got, what was expected. Pure. */
import { RpcError } from "@glassline/proto/errors";

const SHOWN_CHARS = 100;

/** Throws RpcError "invalid_argument". */
export function refuse(what: string, got: unknown, expected: string): never {
  const shown = (JSON.stringify(got) ?? "nothing").slice(0, SHOWN_CHARS);
  throw new RpcError("invalid_argument", `${what}: got ${shown}, expected ${expected}`);
}
