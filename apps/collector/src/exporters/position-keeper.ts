/** Stores an exporter's positions as they change, at most a few times a second. */
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import type { SignalName } from "../core/otlp-items.ts";
import type { Positions, PositionStore } from "../stores/positions.ts";

const INTERVAL_MS = 250;

export interface PositionKeeperOptions {
  store: PositionStore;
  exporter: string;
  /** Where it begins. */
  positions: Positions;
  clock: Clock;
  logger: Logger;
}

export class PositionKeeper implements AsyncDisposable {
  readonly #store: PositionStore;
  readonly #exporter: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #positions: Positions;
  readonly #stop = new AbortController();
  #isChanged = false;
  #saving: Promise<void> | undefined;
  #hasFailed = false;

  constructor({ store, exporter, positions, clock, logger }: PositionKeeperOptions) {
    this.#store = store;
    this.#exporter = exporter;
    this.#positions = { ...positions };
    this.#clock = clock;
    this.#logger = logger;
  }

  get positions(): Readonly<Positions> {
    return this.#positions;
  }

  /** The target needs nothing up to here any more. */
  advance(signal: SignalName, index: number): void {
    if (index <= this.#positions[signal]) return;
    this.#positions[signal] = index;
    this.#isChanged = true;
    this.#saving ??= this.#saveOn().finally(() => (this.#saving = undefined));
  }

  /** Stores what has not been stored yet, at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#saving;
    if (this.#isChanged) await this.#save();
  }

  async #saveOn(): Promise<void> {
    while (this.#isChanged && !this.#stop.signal.aborted) {
      await this.#save();
      await this.#clock.sleep(INTERVAL_MS, this.#stop.signal).catch(() => {});
    }
  }

  /** A store that takes no writes costs that requests are sent twice after a kill, not the export. */
  async #save(): Promise<void> {
    this.#isChanged = false;
    try {
      await this.#store.write(this.#exporter, this.#positions);
      this.#hasFailed = false;
    } catch (error) {
      this.#isChanged = true;
      if (!this.#hasFailed)
        this.#logger.error(
          { exporter: this.#exporter, error: messageOf(error) },
          "position is not stored",
        );
      this.#hasFailed = true;
    }
  }
}
