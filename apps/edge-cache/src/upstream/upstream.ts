/** The origin that an edge fetches from: the only address that it ever asks for objects. */
import type { OriginAnswer } from "../core/freshness.ts";

export interface Upstream extends AsyncDisposable {
  /** @param target path and query. Rejects with UpstreamError when there is no whole answer. */
  fetch(target: string): Promise<OriginAnswer>;
}

export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  readonly reason: "unreachable" | "timeout" | "too_large" | "broken";

  constructor(reason: UpstreamError["reason"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
