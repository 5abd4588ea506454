/** What happens to replicas and the database, spread over the run. */
import { messageOf } from "@glassline/service/errors";

import type { Postgres } from "../../src/stores/postgres.testing.ts";
import type { Fleet } from "./fleet.ts";

const STOP_MAX_MS = 3_000;
/** Until a replica that reconciles is killed. */
const SOON_MAX_MS = 1_500;

type Kind = "kills" | "stops" | "restarts";

interface FaultsDeps {
  fleet: Fleet;
  postgres: Postgres;
  random: () => number;
  stopping: AbortSignal;
}

export class Faults {
  readonly #deps: FaultsDeps;
  /** When the run has come so far, from 0 to 1; the first one is next. */
  readonly #planned: { kind: Kind; share: number }[];
  readonly #running = new Set<Promise<void>>();
  #isRestarting = false;
  readonly problems: string[] = [];
  readonly done = { kills: 0, stops: 0, restarts: 0 };

  constructor(counts: Record<Kind, number>, deps: FaultsDeps) {
    this.#deps = deps;
    const kinds = (["kills", "stops", "restarts"] as const).flatMap((kind) =>
      Array.from({ length: counts[kind] }, () => ({ kind, share: 0.98 * deps.random() })),
    );
    this.#planned = kinds.toSorted((a, b) => a.share - b.share);
  }

  /** Begins what is due. @param share of the run that is done. */
  next(share: number): void {
    while (!this.#deps.stopping.aborted && (this.#planned[0]?.share ?? Infinity) <= share) {
      // One after another: two restarts at once are one.
      if (this.#planned[0]!.kind === "restarts" && this.#isRestarting) return;
      if (!this.#begin(this.#planned[0]!.kind)) return;
      this.#planned.shift();
    }
  }

  /** In the middle of what is done just now; it is one more than was asked for. */
  killSoon(): void {
    const { random, fleet } = this.#deps;
    const soon = new Promise((resolve) => setTimeout(resolve, random() * SOON_MAX_MS));
    this.#run(soon.then(() => fleet.killAll()));
  }

  /** Resolves when nobody is stopped or away any more. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** @returns false: nobody is there to whom it could happen. */
  #begin(kind: Kind): boolean {
    const { fleet, random } = this.#deps;
    if (kind === "restarts") {
      this.#run(this.#restart());
      return true;
    }
    const replica = fleet.any();
    if (!replica) return false;
    this.done[kind]++;
    this.#run(
      kind === "kills" ? fleet.kill(replica) : fleet.stopFor(replica, random() * STOP_MAX_MS),
    );
    return true;
  }

  async #restart(): Promise<void> {
    const { postgres } = this.#deps;
    this.#isRestarting = true;
    this.done.restarts++;
    await postgres.kill();
    await postgres.start();
    this.#isRestarting = false;
  }

  #run(work: Promise<void>): void {
    const running: Promise<void> = work
      .catch((error: unknown) => void this.problems.push(messageOf(error)))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }
}
