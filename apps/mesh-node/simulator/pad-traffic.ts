/**
 * Traffic under one-time pads in virtual time: links make keys and store some, what flows uses them up, and prices follow what is left, as at real nodes
 * (`src/core/link-price.ts`, packages/quantum's key-stock.ts). Flows are fluid: a step's bytes go as far as there are pads on the whole way; what is too
 * much waits at its source, and is not sent.
 */
import { PadUse, padsLastS } from "@glassline/quantum/key-delivery/key-stock";
import type { Random } from "@glassline/service/random";

import { newLinkMonitor } from "../src/core/link-monitor.ts";
import { PAD_BYTES } from "../src/links/sealed/link-pads.ts";
import type { Quality } from "../src/core/link-price.ts";
import { hasMoved, linkPrice, qualityOf } from "../src/core/link-price.ts";
import type { VirtualMesh } from "./virtual-mesh.ts";
import { keyOf } from "./virtual-mesh.ts";

export interface PadLink {
  readonly ends: readonly [string, string];
  /** Bytes a second, for both directions together. */
  readonly madePerS: number;
}

export interface Flow {
  readonly from: string;
  readonly to: string;
  /** Bytes. */
  readonly perS: number;
}

/** A key manager's store and the pads at the two ends, as they are when nobody says otherwise. */
const STORE_BYTES = 65_536 + 2 * PAD_BYTES;
const STEP_MS = 100;
const LOOK_MS = 2_000;

interface Stock extends PadLink {
  bytes: number;
  used: number;
  use: PadUse;
  /** What its price was computed from. */
  priced: Quality;
  /** Of its next look. */
  lookMs: number;
}

export class PadTraffic {
  readonly #mesh: VirtualMesh;
  readonly #random: Random;
  readonly #stocks = new Map<string, Stock>();
  readonly #isPriced: boolean;

  /** @param isPriced false: all links cost the same, whatever they have. */
  constructor(mesh: VirtualMesh, links: readonly PadLink[], random: Random, isPriced: boolean) {
    [this.#mesh, this.#random, this.#isPriced] = [mesh, random, isPriced];
    for (const link of links)
      this.#stocks.set(keyOf(...link.ends), {
        ...link,
        bytes: STORE_BYTES,
        used: 0,
        use: new PadUse(),
        priced: qualityOf(newLinkMonitor(0)),
        lookMs: mesh.nowMs + random() * LOOK_MS,
      });
  }

  /** @returns bytes of each flow that have arrived. */
  run(flows: readonly Flow[], lengthMs: number): number[] {
    const arrived = flows.map(() => 0);
    const order = flows.map((_, index) => index);
    for (const untilMs = this.#mesh.nowMs + lengthMs; this.#mesh.nowMs < untilMs;) {
      this.#mesh.run(this.#mesh.nowMs + STEP_MS);
      for (const stock of this.#stocks.values()) this.#make(stock);
      for (const index of shuffled(order, this.#random))
        arrived[index]! += this.#carry(flows[index]!);
    }
    return arrived;
  }

  #make(stock: Stock): void {
    stock.bytes = Math.min(STORE_BYTES, stock.bytes + (stock.madePerS * STEP_MS) / 1_000);
    if (!this.#isPriced || this.#mesh.nowMs < stock.lookMs) return;
    stock.lookMs += LOOK_MS;
    const usedPerS = stock.use.saw(stock.used, this.#mesh.nowMs);
    const lastS = padsLastS(stock.bytes, usedPerS, undefined);
    const monitor = { ...newLinkMonitor(0), padsLastS: lastS };
    const [a, b] = stock.ends;
    const quality = qualityOf(monitor);
    if (!hasMoved(stock.priced, quality)) return;
    stock.priced = quality;
    this.#mesh.price(a, b, linkPrice(monitor, b));
    this.#mesh.price(b, a, linkPrice(monitor, a));
  }

  #carry({ from, to, perS }: Flow): number {
    const path = this.#mesh.path(from, to);
    if (path.at(-1) !== to) return 0;
    const way = path.slice(1).map((node, index) => this.#stocks.get(keyOf(path[index]!, node))!);
    const bytes = Math.min((perS * STEP_MS) / 1_000, ...way.map((stock) => stock.bytes));
    for (const stock of way) {
      stock.bytes -= bytes;
      stock.used += bytes;
    }
    return bytes;
  }
}

function shuffled(numbers: readonly number[], random: Random): number[] {
  const drawn = numbers.map((number) => [random(), number] as const);
  return drawn.toSorted(([a], [b]) => a - b).map(([, number]) => number);
}
