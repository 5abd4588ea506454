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
    const { name, shield } = this.#deps;
    // What others wait for may have begun before the last purge: then it is told once more.
    await this.#tell();
    await this.#tell();
    const way = [...request.fields.all(WAY_FIELD), name].join(", ");
    const fields = request.fields.without(new Set([WAY_FIELD])).with([WAY_FIELD, way]);
    // For this edge it is the origin.
    return { ...(await shield.ask({ ...request, fields })), isFromMember: false };
  }

  /** Where it does not know all: once for all who wait for it. */
  async #tell(): Promise<void> {
    const { isTold, tell } = this.#deps;
    if (isTold()) return;
    try {
      await (this.#telling ??= tell().finally(() => (this.#telling = undefined)));
    } catch (error) {
      throw new UpstreamError(
        "unreachable",
        `${this.#deps.shield.name}: it cannot be told what was purged: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#deps.shield[Symbol.asyncDispose]();
  }
}
