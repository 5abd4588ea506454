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
}

/** An incarnation that was followed by so many others will not come back. */
const INCARNATIONS_MAX = 4;

export class Producers {
  readonly #states = new Map<string, ProducerState>();

  /** The newest incarnation of each producer comes last. */
  get all(): readonly ProducerState[] {
    return [...this.#states.values()];
  }

  /** The state of a producer and incarnation; what is durable elsewhere counts as durable here. */
  admit(producer: string, incarnation: Uint8Array, durableSeq: number): ProducerState {
    const key = keyOf(producer, incarnation);
    const state = this.#states.get(key) ?? {
      producer,
      incarnation,
      receivedSeq: 0,
      durableSeq: 0,
      runIndex: 0,
      connected: false,
    };
    this.#states.set(key, state);
    this.#forgetOldest(producer);
    state.receivedSeq = Math.max(state.receivedSeq, durableSeq);
    state.durableSeq = Math.max(state.durableSeq, durableSeq);
    return state;
  }

  #forgetOldest(producer: string): void {
    const own = [...this.#states].filter(([, state]) => state.producer === producer);
    const forgotten = own
      .filter(([, { connected }]) => !connected)
      .slice(0, Math.max(0, own.length - INCARNATIONS_MAX));
    for (const [key] of forgotten) this.#states.delete(key);
  }
}

function keyOf(producer: string, incarnation: Uint8Array): string {
  return `${Buffer.from(incarnation).toString("hex")} ${producer}`;
}
