/** Looks at Icinga and at OpsBot's incidents, again and again, while both are cut off now and then. */
import { setTimeout as delay } from "node:timers/promises";

import type { OpsBotProcess } from "../../bench/opsbot-process.ts";
import { isRecord } from "../../src/core/json-values.ts";
import type { IcingaClient } from "../../src/observers/icinga/client.ts";
import type { Look, SeenIncident } from "./verdict.ts";
import { ShownProblems } from "./verdict.ts";

const INTERVAL_MS = 400;
const MS_NANO = 1_000_000n;
const CRITICAL = 2;
const HARD = 1;
const { signal } = new AbortController();

export class Watch implements AsyncDisposable {
  readonly #icinga: IcingaClient;
  readonly #opsbot: OpsBotProcess;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[];
  readonly #incidents = new Map<number, SeenIncident>();
  readonly shown = new ShownProblems();

  constructor(icinga: IcingaClient, opsbot: OpsBotProcess) {
    this.#icinga = icinga;
    this.#opsbot = opsbot;
    this.#running = [this.#often(() => this.look()), this.#often(() => this.ask())];
  }

  get incidents(): readonly SeenIncident[] {
    return [...this.#incidents.values()];
  }

  /** What Icinga shows. Rejects while it is away. */
  async look(): Promise<Look> {
    const askedMs = Date.now();
    const look = await hardProblems(this.#icinga);
    this.shown.see(look, askedMs, Date.now());
    return look;
  }

  /** @returns services with an open incident. Rejects while OpsBot is away. */
  async ask(): Promise<string[]> {
    const noticedMs = Date.now();
    const incidents = await this.#opsbot.incidents();
    for (const { id, object, openedUnixNano, closedUnixNano } of incidents)
      this.#incidents.set(Number(id), {
        id: Number(id),
        service: object,
        openedMs: Number(openedUnixNano / MS_NANO),
        closedMs:
          closedUnixNano === 0n ? Number.POSITIVE_INFINITY : Number(closedUnixNano / MS_NANO),
        noticedMs: this.#incidents.get(Number(id))?.noticedMs ?? noticedMs,
      });
    return incidents.filter((one) => one.closedUnixNano === 0n).map(({ object }) => object);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  async #often(ask: () => Promise<unknown>): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await ask().catch(() => {});
      await delay(INTERVAL_MS, undefined, { signal: this.#stop.signal }).catch(() => {});
    }
  }
}

/** By the name of Glassline's object, which is that of the service. */
async function hardProblems(icinga: IcingaClient): Promise<Look> {
  const attrs = ["name", "state", "state_type", "last_hard_state_change"];
  const query = { type: "services", filter: "true", filterVars: {}, attrs } as const;
  const problems = new Map<string, bigint>();
  for (const entry of await icinga.query(query, signal)) {
    const all = isRecord(entry) && isRecord(entry["attrs"]) ? entry["attrs"] : {};
    if (all["state"] !== CRITICAL || all["state_type"] !== HARD) continue;
    const since = Number(all["last_hard_state_change"]);
    problems.set(String(all["name"]), BigInt(Math.round(since * 1_000)));
  }
  return problems;
}
