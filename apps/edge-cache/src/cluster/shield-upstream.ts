/** Asks the edge that shields the origin; what was purged here it hears first, or it would give it back. */
import { messageOf } from "@glassline/service/errors";

import type { Upstream, UpstreamRequest, UpstreamResponse } from "../upstream/upstream.ts";
import { UpstreamError } from "../upstream/upstream.ts";
import type { Member } from "./member.ts";
import { WAY_FIELD } from "./messages.ts";

export interface ShieldUpstreamDeps {
  /** Of this edge. */
  name: string;
  shield: Member;
  /** It knows all purges of this edge. */
  isTold: () => boolean;
  /** Rejects when it cannot be told of them. */
  tell: () => Promise<void>;
}

export class ShieldUpstream implements Upstream {
  readonly #deps: ShieldUpstreamDeps;
  #telling: Promise<void> | undefined;

  constructor(deps: ShieldUpstreamDeps) {
    this.#deps = deps;
  }

  asksOrigin(): boolean {
    return true;
  }

  async open(request: UpstreamRequest): Promise<UpstreamResponse> {
    const { name, shield, isTold } = this.#deps;
    if (!isTold()) await this.#tell();
    const way = [...request.fields.all(WAY_FIELD), name].join(", ");
    const fields = request.fields.without(new Set([WAY_FIELD])).with([WAY_FIELD, way]);
    // For this edge it is the origin.
    return { ...(await shield.ask({ ...request, fields })), isFromMember: false };
  }

  /** Once for all who wait for it. */
  async #tell(): Promise<void> {
    try {
      await (this.#telling ??= this.#deps.tell());
    } catch (error) {
      throw new UpstreamError(
        "unreachable",
        `${this.#deps.shield.name}: it cannot be told what was purged: ${messageOf(error)}`,
        { cause: error },
      );
    } finally {
      this.#telling = undefined;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#deps.shield[Symbol.asyncDispose]();
  }
}
