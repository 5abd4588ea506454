/** The proof: what is acknowledged against what is stored, in the log's records and by the query API. */
import type { Sender } from "./sender.ts";
import { seeQueried } from "./stored-queries.ts";
import type { StoredPoint } from "./stored-log.ts";
import { StoredLog } from "./stored-log.ts";
import type { Findings, Sent } from "./tally.ts";
import { NO_FINDINGS, Tally, sum } from "./tally.ts";

export interface CheckTotals extends Findings {
  /** Records that stand in the log and cannot be read. */
  unreadable: number;
  /** Points of cameras that nobody has. */
  strange: number;
}

/** Goes on where it ended, so that a check costs no more after hours. */
export class Checks {
  readonly #senders: readonly Sender[];
  /** By shard. */
  readonly #logs: readonly StoredLog[];
  readonly #inLog: Map<string, { sender: Sender; tally: Tally }>;
  readonly #queried: Map<Sender, { tally: Tally; last: number }>;
  #strange = 0;

  constructor(senders: readonly Sender[], logDirectories: readonly string[]) {
    this.#senders = senders;
    this.#logs = logDirectories.map((directory) => new StoredLog(directory));
    this.#inLog = new Map(
      senders.map((sender) => [sender.points.cameraId, { sender, tally: new Tally() }]),
    );
    this.#queried = new Map(senders.map((sender) => [sender, { tally: new Tally(), last: 0 }]));
  }

  lastReadIndex(shard: number): number {
    return this.#logs[shard]!.lastIndex;
  }

  /** While no collector runs. */
  async readLog(): Promise<CheckTotals> {
    const acknowledged = this.#acknowledged();
    await this.#readOn();
    const unreadable = this.#logs.reduce((total, log) => total + log.unreadable, 0);
    const found = [...this.#inLog.values()].map(({ sender, tally }) =>
      tally.check(acknowledged.get(sender)!),
    );
    return { ...sum(found), unreadable, strange: this.#strange };
  }

  /** A camera's points may be at several shards: then they are seen in the order in which they were made. */
  async #readOn(): Promise<void> {
    if (this.#logs.length === 1) return this.#logs[0]!.readOn((point) => this.#see(point));
    const points: StoredPoint[] = [];
    for (const log of this.#logs) await log.readOn((point) => points.push(point));
    points.sort((a, b) => (a.timeUnixNano < b.timeUnixNano ? -1 : 1));
    for (const point of points) this.#see(point);
  }

  /** While a collector runs, under load or not. */
  async query(adminPort: number): Promise<CheckTotals> {
    const all: Findings[] = [];
    for (const [sender, acknowledged] of this.#acknowledged()) {
      const { tally, last } = this.#queried.get(sender)!;
      await seeQueried(adminPort, sender, last + 1, acknowledged.acknowledged, tally);
      this.#queried.set(sender, { tally, last: acknowledged.acknowledged });
      all.push(tally.check(acknowledged));
    }
    return { ...sum([NO_FINDINGS, ...all]), unreadable: 0, strange: 0 };
  }

  /** What is acknowledged before anything is read. */
  #acknowledged(): Map<Sender, Pick<Sent, "acknowledged">> {
    return new Map(
      this.#senders.map((sender) => [sender, { acknowledged: sender.acknowledged }] as const),
    );
  }

  #see({ cameraId, lane, timeUnixNano, value }: StoredPoint): void {
    const known = this.#inLog.get(cameraId);
    if (!known) return void this.#strange++;
    known.tally.see(known.sender.points.pointOf(lane, timeUnixNano, value), known.sender);
  }
}

const WORDS: Readonly<Record<keyof CheckTotals, string>> = {
  lost: "acknowledged points are lost",
  storedTwice: "points are stored twice",
  outOfOrder: "points are stored out of order",
  wrong: "points are stored that were never sent so",
  unreadable: "records of the log cannot be read",
  strange: "points of unknown cameras are stored",
  resentStoredAgain: "",
};

/** What is wrong, for people; empty when nothing is. */
export function problemsOf(where: string, totals: CheckTotals): string[] {
  return Object.entries(WORDS)
    .map(([key, words]) => [totals[key as keyof CheckTotals], words] as const)
    .filter(([count, words]) => count > 0 && words !== "")
    .map(([count, words]) => `${where}: ${count} ${words}`);
}
