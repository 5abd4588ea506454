/** All channels of an origin: those made of files, and those that encoders push. */
import { RpcError } from "@glassline/proto/errors";

import type { Channel, Found, NotYet } from "./channel.ts";
import type { PushChannel } from "./push-channel.ts";
import { pushChannel } from "./push-channel.ts";

/** Limits of what encoders push. */
export interface PushLimits {
  channels: number;
  channelMaxBytes: number;
  /** A channel that nothing was pushed to for so long is forgotten. */
  idleMs: number;
}

export const CHANNEL_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;

export class Channels {
  readonly #fixed: ReadonlyMap<string, Channel>;
  readonly #pushed = new Map<string, PushChannel>();
  readonly #limits: PushLimits;

  constructor(fixed: readonly Channel[], limits: PushLimits) {
    this.#fixed = new Map(fixed.map((channel) => [channel.name, channel]));
    this.#limits = limits;
  }

  all(nowMs: number): Channel[] {
    this.#forgetIdle(nowMs);
    return [...this.#fixed.values(), ...this.#pushed.values()];
  }

  /** Throws DirectiveError. */
  find(
    name: string,
    path: string,
    nowMs: number,
    query: URLSearchParams,
  ): Found | NotYet | undefined {
    this.#forgetIdle(nowMs);
    return (this.#fixed.get(name) ?? this.#pushed.get(name))?.find(path, nowMs, query);
  }

  /** Stores what an encoder sent. Throws RpcError. */
  put(name: string, path: string, body: Buffer, nowMs: number): void {
    this.#forgetIdle(nowMs);
    const known = this.#pushed.get(name);
    const channel = known ?? this.#open(name);
    channel.put(path, body, nowMs);
    // Only a first object that was accepted opens a channel.
    if (!known) this.#pushed.set(name, channel);
  }

  delete(name: string, path: string): boolean {
    return this.#pushed.get(name)?.delete(path) ?? false;
  }

  #open(name: string): PushChannel {
    if (!CHANNEL_NAME.test(name))
      throw new RpcError(
        "invalid_argument",
        `channel: got ${JSON.stringify(name)}, expected lower-case letters, digits, "-" and "_", at most 63`,
      );
    if (this.#fixed.has(name))
      throw new RpcError(
        "already_exists",
        `channel ${name} is made of a file: push to another name`,
      );
    if (this.#pushed.size >= this.#limits.channels)
      throw new RpcError(
        "resource_exhausted",
        `got ${this.#pushed.size} pushed channels already, expected at most ${this.#limits.channels}`,
      );
    return pushChannel(name, this.#limits.channelMaxBytes);
  }

  #forgetIdle(nowMs: number): void {
    for (const [name, { lastPutMs }] of this.#pushed) {
      if (nowMs - lastPutMs > this.#limits.idleMs) this.#pushed.delete(name);
    }
  }
}
