/** Which variant a player plays: its playlist and steering say on which pathway, and a pathway that failed is left; what the connection carries says which of its variants. */
import { bestLevel } from "./bandwidth.ts";
import type { PlayableVariant } from "./variants.ts";

/** A pathway that failed is not used again for so long, unless no other is left. */
const PENALTY_MS = 30_000;

/** As a player reports it. */
export interface Chosen {
  pathway: string;
  pathwayChanges: number;
  /** From one variant of a pathway to another. */
  levelChanges: number;
}

export class VariantChoice {
  readonly #clock: { monotonicMs(): number };
  readonly #chosen: Chosen;
  /** Until when they are not used, by pathway. */
  readonly #penalties = new Map<string, number>();
  #variants: readonly PlayableVariant[] = [];
  /** Which of a pathway's variants, in the order of the playlist. */
  #level = 0;

  /** @param chosen kept up to date. */
  constructor(clock: { monotonicMs(): number }, chosen: Chosen) {
    this.#clock = clock;
    this.#chosen = chosen;
  }

  /**
   * Takes the pathway that steering begins with, else that of the playlist itself, else the first one.
   * @param url of the playlist that they come from.
   * @returns false: there is none to play.
   */
  begin(variants: readonly PlayableVariant[], url: string, pathwayId: string | undefined): boolean {
    this.#variants = variants;
    const named = variants.find(({ pathway }) => pathway === pathwayId);
    const first = named ?? variants.find((variant) => variant.url === url) ?? variants[0];
    this.#chosen.pathway = first?.pathway ?? "";
    return first !== undefined;
  }

  /** The first one, as a player without an estimate takes it, or the one that was gone to. */
  get variant(): PlayableVariant {
    const own = this.#variantsOn(this.#chosen.pathway);
    return own[this.#level] ?? own[0] ?? this.#variants[0]!;
  }

  /** @param bitsPerSecond that the connection carries; undefined: nothing was measured. */
  adapt(bitsPerSecond: number | undefined): void {
    const bandwidths = this.#variantsOn(this.#chosen.pathway).map(({ bandwidth }) => bandwidth);
    const level = bestLevel(bandwidths, this.#level, bitsPerSecond);
    if (level === this.#level) return;
    this.#level = level;
    this.#chosen.levelChanges++;
  }

  /** A pathway has failed: the best other one is taken, unless steering did that already. @returns false: no other is left. */
  leave(failed: string): boolean {
    this.#penalties.set(failed, this.#clock.monotonicMs() + PENALTY_MS);
    if (failed !== this.#chosen.pathway) return true;
    const other = this.#variants.find(({ pathway }) => this.#isUsable(pathway));
    if (other) this.#take(other.pathway);
    return other !== undefined;
  }

  /** @param priority names of pathways, the best first (section 7.2). */
  steer(priority: readonly string[]): void {
    const known = new Set(this.#variants.map(({ pathway }) => pathway));
    const best = priority.find((id) => known.has(id) && this.#isUsable(id));
    if (best) this.#take(best);
  }

  #variantsOn(pathway: string): readonly PlayableVariant[] {
    return this.#variants.filter((variant) => variant.pathway === pathway);
  }

  #isUsable(pathway: string): boolean {
    return (this.#penalties.get(pathway) ?? 0) <= this.#clock.monotonicMs();
  }

  #take(pathway: string): void {
    if (pathway === this.#chosen.pathway) return;
    this.#chosen.pathway = pathway;
    this.#chosen.pathwayChanges++;
  }
}
