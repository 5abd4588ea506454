/** The whole request is refused: it cannot be read, or it is more than a limit allows. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly kind: "malformed" | "too-large";

  constructor(kind: RequestError["kind"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
