/** Where an edge fetches objects: the origin, or a member of its cluster; it never asks any other address. */
import type { Readable } from "node:stream";

import type { FieldLine, Fields } from "../core/http/fields.ts";

export interface UpstreamRequest {
  method: string;
  /** Path and query. */
  target: string;
  fields: Fields;
  body: Readable | undefined;
  signal: AbortSignal;
  /** Another edge of the cluster asks: only the origin may be asked for it. */
  isFromMember?: boolean;
  /** It is known that the origin will take its time: it waits for what does not exist yet. */
  isHeld?: boolean;
  /** Told when it is asked, where it had to wait for that. */
  begun?: () => void;
  /** Told of 1xx answers on the way (RFC 9110 section 15.2). */
  informed?: (status: number, fields: Fields) => void;
}

export interface UpstreamResponse {
  status: number;
  fields: Fields;
  /** Rejects with UpstreamError when it does not come to its end. */
  body: AsyncIterable<Buffer>;
  /** When the body has ended. */
  trailers: () => readonly FieldLine[];
  /** Another edge of the cluster gave it. */
  isFromMember?: boolean;
}

export interface Upstream extends AsyncDisposable {
  /** Rejects with UpstreamError when there is no answer. */
  open(request: UpstreamRequest): Promise<UpstreamResponse>;
  /** Whether the origin is asked for it, and not another edge. */
  asksOrigin(target: string): boolean;
}

export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  /** "untrusted": its certificate is refused. "away": a member of the cluster has no answer of the origin. "busy": this edge has no room for the question, which says nothing of the origin. */
  readonly reason: "unreachable" | "untrusted" | "timeout" | "broken" | "busy" | "away";

  constructor(reason: UpstreamError["reason"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
