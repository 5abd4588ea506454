/** The end of a link that sends pulses: what it says, and what it makes of what the other end says. Pure but for its own memory. */
import type { Remark, Share } from "@glassline/proto/kme";

import type { LightSource } from "./light-source.ts";
import type { LinkEnd, Outcome } from "./link-end.ts";
import { splitSecret } from "./link-end.ts";
import { LinkProblem, gapsOf, numbersOf, remark } from "./remarks.ts";
import { Transcript } from "./transcript.ts";

export interface SendingDeps {
  source: LightSource;
  /** Pulses of a frame. */
  pulses: number;
  /** That both ends have. */
  secret: Uint8Array;
  nonce: Uint8Array;
  /** Who shall have the block that ends now. */
  share: () => Share;
  say: (remark: Remark) => void;
  ended: (outcome: Outcome) => void;
}

export class SendingEnd implements LinkEnd {
  readonly #deps: SendingDeps;
  #transcript: Transcript | undefined;
  #outcome: Outcome | undefined;
  /** A frame, or a block, is under way: there is no other one meanwhile. */
  #isBusy = false;
  /** Share of photons that somebody measures in the simulated fibre. */
  eavesdropped = 0;

  constructor(deps: SendingDeps) {
    this.#deps = deps;
    deps.say(remark({ case: "open", value: { nonce: deps.nonce } }));
  }

  /** Another frame, unless one is under way. */
  light(): void {
    if (this.#isBusy || !this.#transcript) return;
    this.#isBusy = true;
    const { source, pulses: count, say } = this.#deps;
    const { frame, arrived } = source.light(count, this.eavesdropped);
    const value = {
      frame: BigInt(frame),
      sent: count,
      pulseGaps: gapsOf(arrived.pulses),
      states: arrived.states,
      isEntangled: source.isEntangled,
    };
    say(remark({ case: "light", value }));
  }

  get isEntangled(): boolean {
    return this.#deps.source.isEntangled;
  }

  /** S of the last block; undefined: there was none, or there are no pairs. */
  get chsh(): number | undefined {
    return this.#deps.source.chsh;
  }

  hear(heard: Remark): void {
    const { case: kind, value } = heard.remark;
    if (kind === "open") return this.#open(value.nonce);
    if (!this.#transcript) throw new LinkProblem(`got ${kind}, expected open first`);
    if (kind === "tag") return this.#tagged(this.#transcript, value.tag);
    this.#transcript.add(heard);
    if (kind === "clicked") {
      const pulses = numbersOf(value.pulseGaps, this.#deps.pulses);
      const sifted = this.#deps.source.sift({
        frame: Number(value.frame),
        pulses,
        bases: value.bases,
      });
      this.#say({ case: "sifted", value: { ...sifted, frame: value.frame } });
    } else if (kind === "revealed") {
      const correcting = this.#deps.source.reveal({ ...value, frame: Number(value.frame) });
      if (correcting) this.#say({ case: "correcting", value: correcting });
      else this.#isBusy = false;
    } else if (kind === "questions") {
      const parities = this.#deps.source.answer(Uint32Array.from(value.ranges));
      this.#say({ case: "answers", value: { parities } });
    } else if (kind === "verify") {
      const { verdict, secret } = this.#deps.source.verify(value);
      const { qber, ...decided } = verdict;
      const share = this.#deps.share();
      const told = { ...decided, share, ...(qber !== undefined && { qber }) };
      this.#say({ case: "verdict", value: told });
      this.#outcome = { qber, ...splitSecret(secret, share) };
      const tag = this.#transcript.tagOf("sender");
      this.#deps.say(remark({ case: "tag", value: { tag } }));
    } else throw new LinkProblem(`got ${kind}, expected what a receiver says`);
  }

  #open(nonce: Uint8Array): void {
    if (this.#transcript) throw new LinkProblem("got open twice, expected it once");
    this.#transcript = new Transcript(this.#deps.secret, [this.#deps.nonce, nonce]);
  }

  #tagged(transcript: Transcript, tag: Uint8Array): void {
    if (!this.#outcome) throw new LinkProblem("got a tag, expected the end of a block first");
    if (!transcript.isFrom("receiver", tag)) throw new LinkProblem("the receiver's tag is wrong");
    transcript.next(this.#outcome.pads);
    this.#deps.ended(this.#outcome);
    this.#outcome = undefined;
    this.#isBusy = false;
  }

  #say(said: Parameters<typeof remark>[0]): void {
    const made = remark(said);
    this.#transcript!.add(made);
    this.#deps.say(made);
  }
}
