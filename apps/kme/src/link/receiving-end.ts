/** The end of a link whose detectors click: what it says, and what it makes of what the other end says. Pure but for its own memory. */
import type { Light, Remark } from "@glassline/proto/kme";
import type { ParityQuestions } from "@glassline/quantum/distillation/cascade";
import type { Verify } from "@glassline/quantum/distillation/discussion";
import { Receiver } from "@glassline/quantum/distillation/receiver";
import type { ReceiverDeps } from "@glassline/quantum/distillation/receiver";
import { measuredHalves } from "@glassline/quantum/photons/e91";
import { detected } from "@glassline/quantum/photons/fibre";
import type { DecoyLink } from "@glassline/quantum/physics/decoy-bb84";
import type { Random } from "@glassline/service/random";

import type { LinkEnd, Outcome } from "./link-end.ts";
import { splitSecret } from "./link-end.ts";
import { LinkProblem, gapsOf, numbersOf, remark } from "./remarks.ts";
import { Transcript } from "./transcript.ts";

const PULSES_MAX = 16_777_216;

export interface ReceivingDeps extends ReceiverDeps {
  link: DecoyLink;
  /** Of the simulated detectors. */
  random: Random;
  /** That both ends have. */
  secret: Uint8Array;
  nonce: Uint8Array;
  say: (remark: Remark) => void;
  ended: (outcome: Outcome) => void;
}

export class ReceivingEnd implements LinkEnd {
  readonly #deps: ReceivingDeps;
  readonly #receiver: Receiver;
  #transcript: Transcript | undefined;
  #outcome: Outcome | undefined;
  #isEntangled: boolean | undefined;

  constructor(deps: ReceivingDeps) {
    this.#deps = deps;
    this.#receiver = new Receiver(deps);
    deps.say(remark({ case: "open", value: { nonce: deps.nonce } }));
  }

  /** Undefined: no light has come. */
  get isEntangled(): boolean | undefined {
    return this.#isEntangled;
  }

  hear(heard: Remark): void {
    const { case: kind, value } = heard.remark;
    if (kind === "open") return this.#open(value.nonce);
    const transcript = this.#transcript;
    if (!transcript) throw new LinkProblem(`got ${kind}, expected open first`);
    if (kind === "tag") return this.#tagged(transcript, value.tag);
    if (kind === "light") return this.#light(value);
    transcript.add(heard);
    if (kind === "sifted") {
      const revealed = this.#receiver.sifted({ ...value, frame: Number(value.frame) });
      this.#say({ case: "revealed", value: { ...revealed, frame: value.frame } });
    } else if (kind === "correcting") this.#go(this.#receiver.correct(value));
    else if (kind === "answers") this.#go(this.#receiver.told(value.parities));
    else if (kind === "verdict") {
      const secret = this.#receiver.decided({ ...value, qber: value.qber });
      this.#outcome = { qber: value.qber, ...splitSecret(secret, value.share) };
    } else throw new LinkProblem(`got ${kind}, expected what a sender says`);
  }

  #open(nonce: Uint8Array): void {
    if (this.#transcript) throw new LinkProblem("got open twice, expected it once");
    this.#transcript = new Transcript(this.#deps.secret, [nonce, this.#deps.nonce]);
  }

  #light(value: Light): void {
    if (value.sent > PULSES_MAX || value.states.length !== value.pulseGaps.length)
      throw new LinkProblem(`light: got ${value.sent} pulses, expected ${PULSES_MAX} at most`);
    const arrived = { pulses: numbersOf(value.pulseGaps, value.sent), states: value.states };
    const { link, random } = this.#deps;
    const frame = Number(value.frame);
    this.#isEntangled = value.isEntangled;
    const clicks = value.isEntangled
      ? measuredHalves(arrived, random)
      : detected(arrived, value.sent, link, random);
    const { pulses, bases } = this.#receiver.clicked(frame, clicks);
    this.#say({
      case: "clicked",
      value: { frame: value.frame, pulseGaps: gapsOf(pulses), bases },
    });
  }

  #go(next: ParityQuestions | Verify): void {
    if ("hash" in next) this.#say({ case: "verify", value: next });
    else this.#say({ case: "questions", value: { ranges: [...next] } });
  }

  /** The sender is satisfied: so is this end, and says so. */
  #tagged(transcript: Transcript, tag: Uint8Array): void {
    if (!this.#outcome) throw new LinkProblem("got a tag, expected the end of a block first");
    if (!transcript.isFrom("sender", tag)) throw new LinkProblem("the sender's tag is wrong");
    const own = transcript.tagOf("receiver");
    transcript.next(this.#outcome.pads);
    this.#deps.ended(this.#outcome);
    this.#outcome = undefined;
    this.#deps.say(remark({ case: "tag", value: { tag: own } }));
  }

  #say(said: Parameters<typeof remark>[0]): void {
    const made = remark(said);
    this.#transcript!.add(made);
    this.#deps.say(made);
  }
}
