/** Whether what Icinga showed was handled, and once: by what was seen of both, without anything of OpsBot's. Pure. */

/** A hard problem, as long as looks at Icinga showed it without an end in between. */
export interface Shown {
  service: string;
  /** Of the first and the last look that showed it, Unix milliseconds. */
  firstMs: number;
  lastMs: number;
}

export interface SeenIncident {
  id: number;
  service: string;
  openedMs: number;
  /** Infinity: it is open. */
  closedMs: number;
  /** When it was first noticed. */
  noticedMs: number;
}

/** One look at Icinga: the hard problems, by service, with the moment since when they are there. */
export type Look = ReadonlyMap<string, bigint>;

/** What looks show, one after another. */
export class ShownProblems {
  readonly #underWay = new Map<string, Shown & { since: bigint }>();
  readonly all: Shown[] = [];

  /** @param askedMs before the look; @param answeredMs after it: it shows a moment in between. */
  see(look: Look, askedMs: number, answeredMs: number): void {
    for (const [service, since] of look) {
      const known = this.#underWay.get(service);
      if (known?.since === since) known.lastMs = askedMs;
      else this.#begin({ service, since, firstMs: answeredMs, lastMs: askedMs });
    }
    for (const service of this.#underWay.keys())
      if (!look.has(service)) this.#underWay.delete(service);
  }

  #begin(shown: Shown & { since: bigint }): void {
    this.#underWay.set(shown.service, shown);
    this.all.push(shown);
  }
}

/** When OpsBot was not there. */
export interface Away {
  fromMs: number;
  toMs: number;
}

/** Problems that Icinga still showed after so long, OpsBot's absence not counted, and that no incident was open for. */
export function notHandled(
  shown: readonly Shown[],
  incidents: readonly SeenIncident[],
  lastingMs: number,
  away: readonly Away[] = [],
): Shown[] {
  return lasting(shown, lastingMs, away).filter(
    ({ service, lastMs }) =>
      !incidents.some(
        (one) => one.service === service && one.openedMs <= lastMs && one.closedMs >= lastMs,
      ),
  );
}

export function lasting(
  shown: readonly Shown[],
  lastingMs: number,
  away: readonly Away[] = [],
): Shown[] {
  return shown.filter(({ firstMs, lastMs }) => {
    const missed = away.reduce(
      (sum, { fromMs, toMs }) =>
        sum + Math.max(0, Math.min(lastMs, toMs) - Math.max(firstMs, fromMs)),
      0,
    );
    return lastMs - firstMs - missed >= lastingMs;
  });
}

/**
 * Pairs of incidents of a service with no good result sent in between: one problem, handled twice.
 * @param goodMs when good results were sent, by service.
 */
export function handledTwice(
  incidents: readonly SeenIncident[],
  goodMs: ReadonlyMap<string, readonly number[]>,
): [SeenIncident, SeenIncident][] {
  return [...Map.groupBy(incidents, ({ service }) => service)].flatMap(([service, own]) => {
    const ordered = own.toSorted((a, b) => a.id - b.id);
    const good = goodMs.get(service) ?? [];
    return ordered.flatMap((second, at): [SeenIncident, SeenIncident][] => {
      const first = ordered[at - 1];
      if (!first) return [];
      const isOver = first.closedMs <= second.noticedMs;
      const wasGood = good.some((ms) => ms > first.openedMs && ms < second.noticedMs);
      return isOver && wasGood ? [] : [[first, second]];
    });
  });
}
