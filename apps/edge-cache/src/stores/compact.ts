/** Responses in as little memory as they need: what says the same is one object, and bodies hold nothing but their bytes. */
import { Sharing } from "../core/http/shared.ts";
import type { Selecting } from "../core/http/vary.ts";
import type { Slabs } from "./slabs.ts";
import type { StoredResponse } from "./store.ts";

const NOTHING_SELECTED: Selecting = new Map();
const NO_TAGS: readonly string[] = [];
/** A view that keeps so much more memory than it shows is copied. */
const WASTE_SHARE = 0.125;

export class Compactor {
  readonly #sharing = new Sharing();
  readonly #slabs: Slabs;

  constructor(slabs: Slabs) {
    this.#slabs = slabs;
  }

  /** The same response, to be kept by this key. @param isHere its body is kept by it already. */
  compact(key: string, response: StoredResponse, isHere = false): StoredResponse {
    const { status, fields, selecting, policy, bornMs, body, part, tags, since, moments } =
      response;
    return {
      status,
      fields: this.#sharing.fields(fields),
      selecting: selecting.size === 0 ? NOTHING_SELECTED : selecting,
      policy: this.#sharing.policy(policy),
      bornMs,
      body: isHere ? body : (this.#slabs.put(key, body) ?? exact(body)),
      part,
      tags: tags.length === 0 ? NO_TAGS : tags,
      since,
      ...(moments && { moments }),
    };
  }
}

function exact(body: Buffer): Buffer {
  if (body.buffer.byteLength <= (1 + WASTE_SHARE) * body.length) return body;
  const copy = Buffer.allocUnsafeSlow(body.length);
  body.copy(copy);
  return copy;
}
