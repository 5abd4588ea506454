/** Who has sent what: the table by which replays are recognised. Rebuilt from the log at start. */

export interface ProducerState {
  producer: string;
  /** 16 bytes. */
  incarnation: Uint8Array;
  /** Last sequence number that was handed to the log, and the last that is durable. */
  receivedSeq: number;
  durableSeq: number;
  /** Index in the log of the key batch on which the last ones are built; 0 when there was none. */
  runIndex: number;
  connected: boolean;
  /** Batches that were handed to the log and are neither durable nor refused. A later one may be refused before an earlier one is durable. */
  underWay: number;
  /** Called when there are none any more. */
  settled?: () => void;
}

/** An incarnation that was followed by so many others will not come back. */
const INCARNATIONS_MAX = 4;

export class Producers {
  /** By producer, then by incarnation in hexadecimal; the newest comes last. */
  readonly #states = new Map<string, Map<string, ProducerState>>();

  get all(): readonly ProducerState[] {
    return [...this.#states.values()].flatMap((states) => [...states.values()]);
  }

  find(producer: string, incarnation: Uint8Array): ProducerState | undefined {
    return this.#states.get(producer)?.get(Buffer.from(incarnation).toString("hex"));
  }

  /** The state of a producer and incarnation; what is durable elsewhere counts as durable here. */
  admit(producer: string, incarnation: Uint8Array, durableSeq: number): ProducerState {
    let states = this.#states.get(producer);
    if (!states) this.#states.set(producer, (states = new Map()));
    const key = Buffer.from(incarnation).toString("hex");
    const state = states.get(key) ?? {
      producer,
      // What came may be a part of a buffer that is much larger.
      incarnation: Uint8Array.from(incarnation),
      receivedSeq: 0,
      durableSeq: 0,
      runIndex: 0,
      connected: false,
      underWay: 0,
    };
    states.set(key, state);
    forgetOldest(states);
    state.receivedSeq = Math.max(state.receivedSeq, durableSeq);
    state.durableSeq = Math.max(state.durableSeq, durableSeq);
    return state;
  }
}

function forgetOldest(states: Map<string, ProducerState>): void {
  for (const [key, { connected }] of states) {
    if (states.size <= INCARNATIONS_MAX) return;
    if (!connected) states.delete(key);
  }
}
