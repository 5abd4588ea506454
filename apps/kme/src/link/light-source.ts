/** What goes over a quantum link, and what becomes of it on the way, which is simulated: pulses of light, or halves of entangled pairs. */
import { PairSender } from "@glassline/quantum/distillation/pair-sender";
import type { PairSenderDeps } from "@glassline/quantum/distillation/pair-sender";
import { Sender } from "@glassline/quantum/distillation/sender";
import type { SenderDeps } from "@glassline/quantum/distillation/sender";
import { interceptedHalves, otherHalves } from "@glassline/quantum/photons/e91";
import type { Arrived } from "@glassline/quantum/photons/fibre";
import { arriving, intercepted } from "@glassline/quantum/photons/fibre";
import type { DecoyLink } from "@glassline/quantum/physics/decoy-bb84";
import type { Random } from "@glassline/service/random";

/** Entangled pairs between two key managers. */
export interface PairLink {
  /** Of the pairs of a frame, those of which both halves are seen. */
  share: number;
  /** Of those, Werner pairs. */
  fidelity: number;
  /** Key managers and the repeaters between them. */
  path: readonly string[];
}

type Distillation = Pick<Sender, "sift" | "reveal" | "answer" | "verify">;

export interface LightSource extends Distillation {
  readonly isEntangled: boolean;
  /** S of the last block; undefined: there was none, or there are no pairs. */
  readonly chsh: number | undefined;
  /** A frame, as it reaches the other end. @param eavesdropped share that somebody measures on the way. */
  light(count: number, eavesdropped: number): { frame: number; arrived: Arrived };
}

export class PulseSource extends Sender implements LightSource {
  readonly isEntangled = false;
  readonly chsh = undefined;
  readonly #link: DecoyLink;
  readonly #means: SenderDeps["means"];
  readonly #random: Random;

  constructor(link: DecoyLink, deps: SenderDeps, random: Random) {
    super(deps);
    [this.#link, this.#means, this.#random] = [link, deps.means, random];
  }

  light(count: number, eavesdropped: number): { frame: number; arrived: Arrived } {
    const { frame, pulses } = this.send(count);
    const all = arriving(pulses, this.#means, this.#link, this.#random);
    return { frame, arrived: intercepted(all, eavesdropped, this.#random) };
  }
}

export class PairSource extends PairSender implements LightSource {
  readonly isEntangled = true;
  readonly #pairs: PairLink;
  readonly #random: Random;

  constructor(pairs: PairLink, deps: PairSenderDeps, random: Random) {
    super(deps);
    [this.#pairs, this.#random] = [pairs, random];
  }

  light(count: number, eavesdropped: number): { frame: number; arrived: Arrived } {
    const { frame, halves } = this.send(count);
    const all = otherHalves(halves, this.#pairs, this.#random);
    return { frame, arrived: interceptedHalves(all, eavesdropped, this.#random) };
  }
}
