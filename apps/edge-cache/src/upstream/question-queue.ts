/** How many questions the origin is asked at a time. Those that take long leave their places to others, or a few would stop all. */
import { UpstreamError } from "./upstream.ts";

/** A question that takes longer is held by the origin, or its answer is long. */
const SHORT_MS = 1_000;
/** So many times as many may be long. */
const LONG_SHARE = 4;
/** So many times as many may wait, and for so long. */
const WAITING_SHARE = 16;
const WAIT_MAX_MS = 10_000;

const UNWANTED = "nobody waits for the answer";

/** Called with what gives its place back. */
type Enter = (leave: () => void) => void;

export interface QuestionCounts {
  short: number;
  long: number;
  waiting: number;
}

export class QuestionQueue {
  readonly #places: number;
  #short = 0;
  #long = 0;
  readonly #heldWaiting = new Set<Enter>();
  readonly #othersWaiting = new Set<Enter>();

  /** @param places of questions that are not long. */
  constructor(places: number) {
    this.#places = places;
  }

  get counts(): QuestionCounts {
    return { short: this.#short, long: this.#long, waiting: this.#waiting };
  }

  get mostAtATime(): number {
    return (1 + LONG_SHARE) * this.#places;
  }

  get #waiting(): number {
    return this.#heldWaiting.size + this.#othersWaiting.size;
  }

  /** Resolves with what gives the place back. Rejects with UpstreamError when too many wait, it waits for too long, or nobody wants its answer. */
  enter(isHeld: boolean, signal: AbortSignal): Promise<() => void> {
    if (this.#hasPlace(isHeld)) return Promise.resolve(this.#take(isHeld));
    if (this.#waiting >= WAITING_SHARE * this.#places)
      return Promise.reject(
        new UpstreamError("busy", `${this.#waiting} questions wait for the origin already`),
      );
    return this.#wait(isHeld ? this.#heldWaiting : this.#othersWaiting, signal);
  }

  #wait(queue: Set<Enter>, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(new UpstreamError("broken", UNWANTED));
      const enter = (leave: () => void) => {
        end();
        resolve(leave);
      };
      const giveUp = (reason: "busy" | "broken", message: string) => {
        end();
        reject(new UpstreamError(reason, message));
      };
      const gone = () => giveUp("broken", UNWANTED);
      const late = () => giveUp("busy", `no place for the question within ${WAIT_MAX_MS} ms`);
      const timer = setTimeout(late, WAIT_MAX_MS);
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", gone);
        queue.delete(enter);
      };
      signal.addEventListener("abort", gone);
      queue.add(enter);
    });
  }

  /** One that has become long keeps its place: then there are more of them than may begin. */
  #hasPlace(isHeld: boolean): boolean {
    const hasRoom = this.#short + this.#long < this.mostAtATime;
    return (
      hasRoom && (isHeld ? this.#long < LONG_SHARE * this.#places : this.#short < this.#places)
    );
  }

  #take(isHeld: boolean): () => void {
    let isLong = isHeld;
    let hasLeft = false;
    if (isLong) this.#long++;
    else this.#short++;
    const grow = () => {
      isLong = true;
      this.#short--;
      this.#long++;
      this.#next();
    };
    const timer = isLong ? undefined : setTimeout(grow, SHORT_MS).unref();
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      clearTimeout(timer);
      if (isLong) this.#long--;
      else this.#short--;
      this.#next();
    };
  }

  #next(): void {
    for (const isHeld of [true, false])
      for (const enter of isHeld ? this.#heldWaiting : this.#othersWaiting) {
        if (!this.#hasPlace(isHeld)) break;
        enter(this.#take(isHeld));
      }
  }
}
