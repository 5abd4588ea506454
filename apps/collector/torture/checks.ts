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
  readonly #log: StoredLog;
  readonly #inLog: Map<string, { sender: Sender; tally: Tally }>;
  readonly #queried: Map<Sender, { tally: Tally; last: number }>;
  #strange = 0;

  constructor(senders: readonly Sender[], logDirectory: string) {
    this.#senders = senders;
    this.#log = new StoredLog(logDirectory);
    this.#inLog = new Map(
      senders.map((sender) => [sender.points.cameraId, { sender, tally: new Tally() }]),
    );
    this.#queried = new Map(senders.map((sender) => [sender, { tally: new Tally(), last: 0 }]));
  }

  get lastReadIndex(): number {
    return this.#log.lastIndex;
  }

  /** While no collector runs. */
  async readLog(): Promise<CheckTotals> {
    const acknowledged = this.#acknowledged();
    await this.#log.readOn((point) => this.#see(point));
    const { unreadable } = this.#log;
    const found = [...this.#inLog.values()].map(({ sender, tally }) =>
      tally.check(acknowledged.get(sender)!),
    );
    return { ...sum(found), unreadable, strange: this.#strange };
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
