/** Questions to the origin that have no whole answer yet, and those who wait for them. */
import type { Exchanged } from "./exchanged.ts";
import type { CacheRequest } from "./request.ts";

export interface UnderWay {
  /** Its object was purged. */
  isOutdated: boolean;
  /** Number of the newest purge of many objects when it was asked. */
  since: number;
  /** What there is of it, as soon as its head has come. */
  fetched: Exchanged | undefined;
  /** Those who wait for its head. */
  clients: number;
  /** Takes back what was asked of clients that outlive the question. */
  takeBack: (() => void)[];
  abort: AbortController;
}

/** One that others may join. */
export interface InFlight {
  underWay: UnderWay;
  fetching: Promise<Exchanged>;
}

/** A fetch that began before a purge must not bring back what was purged: by key, those under way. */
export class AllUnderWay {
  readonly #byKey = new Map<string, Set<UnderWay>>();

  /** @param since number of the newest purge. */
  begin(key: string, since: number): UnderWay {
    const underWay: UnderWay = {
      isOutdated: false,
      since,
      fetched: undefined,
      clients: 0,
      takeBack: [],
      abort: new AbortController(),
    };
    const all = this.#byKey.get(key) ?? new Set();
    this.#byKey.set(key, all.add(underWay));
    return underWay;
  }

  end(key: string, underWay: UnderWay): void {
    const all = this.#byKey.get(key);
    all?.delete(underWay);
    if (all?.size === 0) this.#byKey.delete(key);
  }

  /** Its object was purged. */
  outdate(key: string): void {
    for (const one of this.#byKey.get(key) ?? []) one.isOutdated = true;
  }
}

/** One more client waits; when all of them have gone before the head has come, the question ends. */
export function want(underWay: UnderWay, { client }: CacheRequest): void {
  // It went while another question was waited for.
  if (client?.isGone && underWay.clients === 0) underWay.abort.abort();
  if (client?.isGone) return;
  underWay.clients++;
  const takeBack = client?.onGone(() => {
    if (--underWay.clients === 0 && !underWay.fetched) underWay.abort.abort();
  });
  if (takeBack) underWay.takeBack.push(takeBack);
}

/** Nobody waits for its head any more. */
export function release({ takeBack }: UnderWay): void {
  for (const each of takeBack.splice(0)) each();
}
