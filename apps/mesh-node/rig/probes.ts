/** Flows of packets from one node to others, and what comes of those to this one. */
import type { Data } from "@glassline/proto/mesh";

import type { DataInit } from "../src/router.ts";

/** A packet that came. */
export interface Arrival {
  from: string;
  /** In the order in which its sender has sent its packets. */
  number: number;
  /** Unix milliseconds. */
  atMs: number;
}

/** In a millisecond. */
const BURST_MAX = 200;

export class Probes implements Disposable {
  readonly #send: (data: DataInit) => boolean;
  readonly #flows = new Set<NodeJS.Timeout>();
  #arrivals: Arrival[] = [];
  #numbers = 0;
  #sent = 0;

  constructor(send: (data: DataInit) => boolean) {
    this.#send = send;
  }

  flow(destination: string, everyMs: number, bytes: number): void {
    this.#flows.add(setInterval(() => this.once(destination, bytes), everyMs));
  }

  /** As many as the link takes. */
  flood(destination: string, bytes: number): void {
    this.#flows.add(
      setInterval(() => {
        for (let burst = 0; burst < BURST_MAX && this.once(destination, bytes); burst++);
      }, 1),
    );
  }

  /** False: the link is full, or there is no way. */
  once(destination: string, bytes: number): boolean {
    const payload = Buffer.alloc(bytes);
    payload.writeUInt32BE(++this.#numbers);
    this.#sent++;
    return this.#send({ circuit: 1n, destination, payload, hopContexts: [] });
  }

  stop(): void {
    for (const flow of this.#flows) clearInterval(flow);
    this.#flows.clear();
  }

  arrived({ source, payload }: Data, atMs: number): void {
    this.#arrivals.push({ from: source, number: Buffer.from(payload).readUInt32BE(), atMs });
  }

  /** What came, and how many were sent, since the last time. */
  taken(): { arrivals: Arrival[]; sent: number } {
    const [arrivals, sent] = [this.#arrivals, this.#sent];
    [this.#arrivals, this.#sent] = [[], 0];
    return { arrivals, sent };
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}
