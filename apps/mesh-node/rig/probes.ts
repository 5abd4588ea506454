/** Flows of packets from one node to others, and what comes of those to this one. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { create, toBinary } from "@bufbuild/protobuf";
import type { Data, DataSchema } from "@glassline/proto/mesh";
import { FrameSchema } from "@glassline/proto/mesh";

import { flowOf } from "../src/core/transit.ts";
import type { Link } from "../src/links/link.ts";
import type { DataInit } from "../src/data-frames.ts";

/** A packet that came. */
export interface Arrival {
  from: string;
  /** In the order in which its sender has sent its packets. */
  number: number;
  /** Unix milliseconds. */
  atMs: number;
}

/** In a millisecond. */
const BURST_MAX = 1_000;
const FLOOD_HOPS = 9;

export class Probes implements Disposable {
  readonly #send: (data: DataInit) => boolean;
  readonly #flows = new Set<NodeJS.Timeout>();
  #arrivals: Arrival[] = [];
  #numbers = 0;
  #sent = 0;
  #flooded = 0;

  constructor(send: (data: DataInit) => boolean) {
    this.#send = send;
  }

  flow(destination: string, everyMs: number, bytes: number): void {
    this.#flows.add(setInterval(() => this.once(destination, bytes), everyMs));
  }

  /** As many as the link takes: one packet, encoded once. They are counted, and have no numbers. */
  flood(link: Link, data: MessageInitShape<typeof DataSchema>): void {
    const value = { ...data, circuit: 1n, hopLimit: FLOOD_HOPS };
    const frame = create(FrameSchema, { frame: { case: "data", value } });
    const bytes = Buffer.from(toBinary(FrameSchema, frame));
    const flow = flowOf(value.circuit);
    this.#flows.add(
      setInterval(() => {
        for (let burst = 0; burst < BURST_MAX && link.forward!(flow, bytes); burst++);
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
    const number = Buffer.from(payload).readUInt32BE();
    if (number === 0) this.#flooded++;
    else this.#arrivals.push({ from: source, number, atMs });
  }

  /** What came, and how many were sent, since the last time. */
  taken(): { arrivals: Arrival[]; sent: number; flooded: number } {
    const [arrivals, sent, flooded] = [this.#arrivals, this.#sent, this.#flooded];
    [this.#arrivals, this.#sent, this.#flooded] = [[], 0, 0];
    return { arrivals, sent, flooded };
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}
