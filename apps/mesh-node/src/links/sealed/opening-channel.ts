/** What is said before there are keys: questions that are repeated until they are answered, in parts of a datagram each. */
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Opening } from "@glassline/proto/mesh";
import { OpeningSchema } from "@glassline/proto/mesh";

import { OpeningParts, toParts } from "./opening-parts.ts";

export interface Address {
  address: string;
  port: number;
  /** Datagrams go over this connection; undefined: over UDP. */
  path?: Path;
}

/** A connection that carries datagrams. */
export interface Path {
  send: (datagram: Buffer) => void;
  /** A link uses it: it is no stranger's, and may stay. */
  keep: () => void;
  /** Called once, when it has ended. */
  onEnd: (call: () => void) => void;
  close: () => void;
}

/** Nobody is there, or the network lets nothing through. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

export type OpeningInit = NonNullable<MessageInitShape<typeof OpeningSchema>["opening"]>;

/** A question is asked again after this, then after twice as long, until it is given up: who comes back is seen within the longest pause. */
const ASK_AGAIN_MS = 250;
const ASK_PAUSE_MAX_MS = 500;
const ASK_MAX_MS = 5_000;

export const keyOf = ({ address, port }: Address): string => `${address} ${port}`;

export class OpeningChannel {
  readonly #transmit: (part: Buffer, to: Address) => void;
  readonly #parts = new OpeningParts();
  /** Who waits for which answer: from an address, or to an index. */
  readonly #waiting = new Map<string, (opening: OpeningInit) => void>();

  constructor(transmit: (part: Buffer, to: Address) => void) {
    this.#transmit = transmit;
  }

  isWaiting(answerTo: string): boolean {
    return this.#waiting.has(answerTo);
  }

  /** What is whole now and no answer; answers go to who waits for them. */
  take(part: Buffer, from: Address, nowMs: number): Opening["opening"] | "malformed" | undefined {
    const message = this.#parts.take(keyOf(from), part, nowMs);
    if (!message) return undefined;
    let opening: Opening["opening"];
    try {
      ({ opening } = fromBinary(OpeningSchema, message));
    } catch {
      return "malformed";
    }
    if (opening.case === "introductionAnswer") this.#waiting.get(keyOf(from))?.(opening);
    else if (opening.case === "second")
      this.#waiting.get(`${opening.value.receiverIndex}`)?.(opening);
    else return opening.case === undefined ? "malformed" : opening;
    return undefined;
  }

  say(opening: OpeningInit, to: Address): void {
    const message = toBinary(OpeningSchema, create(OpeningSchema, { opening }));
    for (const part of toParts(message)) this.#transmit(part, to);
  }

  /** Says it until there is an answer. Rejects when there is none in time, or the signal is aborted. */
  async ask(
    answerTo: string,
    to: Address,
    question: OpeningInit,
    signal: AbortSignal,
  ): Promise<OpeningInit> {
    signal.throwIfAborted();
    const { promise, resolve } = Promise.withResolvers<OpeningInit>();
    this.#waiting.set(answerTo, resolve);
    const answered = new AbortController();
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(ASK_MAX_MS), answered.signal]);
    const gaveUp = once(deadline, "abort").then(() => {
      throw new NoAnswer(`no answer from ${keyOf(to)}`);
    });
    try {
      void this.#repeat(question, to, deadline);
      return await Promise.race([promise, gaveUp]);
    } finally {
      answered.abort();
      gaveUp.catch(() => {});
      this.#waiting.delete(answerTo);
    }
  }

  async #repeat(question: OpeningInit, to: Address, signal: AbortSignal): Promise<void> {
    for (let pauseMs = ASK_AGAIN_MS; !signal.aborted; pauseMs = ASK_PAUSE_MAX_MS) {
      this.say(question, to);
      await delay(pauseMs, undefined, { signal }).catch(() => {});
    }
  }
}
