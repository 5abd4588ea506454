/** Something that the operator can mend: printed as it is, without a stack trace. Says what, what was got, what to do. */
export class OperatorError extends Error {
  override readonly name = "OperatorError";
}

/** The message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a system error, e.g. "ENOSPC". */
export function systemCodeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** Why a server could not listen, as the operator should read it. */
export function listenError(
  error: unknown,
  what: string,
  host: string,
  port: number,
): OperatorError {
  const code = systemCodeOf(error);
  const taken = code === "EADDRINUSE" || /EADDRINUSE|No address added/.test(messageOf(error));
  const reason = taken
    ? "the port is taken by another program. Stop that program or choose another port"
    : code === "EACCES"
      ? "this user may not listen there. Choose a port above 1023"
      : code === "EADDRNOTAVAIL" || code === "ENOTFOUND"
        ? "this machine has no such address. Choose 127.0.0.1 or an address of this machine"
        : messageOf(error);
  return new OperatorError(`${what}: cannot listen on ${host}:${port}: ${reason}.`, {
    cause: error,
  });
}
