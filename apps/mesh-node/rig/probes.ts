/** Flows of packets from one node to others, and what comes of those to this one. */
import type { Data } from "@glassline/proto/mesh";

import type { DataInit } from "../src/router.ts";

export class Probes implements Disposable {
  readonly #send: (data: DataInit) => boolean;
  readonly #flows = new Set<NodeJS.Timeout>();
  #arrivals: number[] = [];
  #path: string[] = [];
  #circuits = 0n;

  constructor(send: (data: DataInit) => boolean) {
    this.#send = send;
  }

  flow(destination: string, everyMs: number, bytes: number): void {
    const payload = new Uint8Array(bytes);
    const circuit = ++this.#circuits;
    const send = () => this.#send({ circuit, destination, payload, hopContexts: [] });
    this.#flows.add(setInterval(send, everyMs));
  }

  stop(): void {
    for (const flow of this.#flows) clearInterval(flow);
    this.#flows.clear();
  }

  arrived({ path }: Data, atMs: number): void {
    this.#arrivals.push(atMs);
    this.#path = path;
  }

  /** Since the last time. */
  taken(): { arrivals: number[]; path: string[] } {
    const arrivals = this.#arrivals;
    this.#arrivals = [];
    return { arrivals, path: this.#path };
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}
