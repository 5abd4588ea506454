/** A shard's side of the channel to the front: connections come in by it, and producers are claimed by it. */
import { randomInt } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";

import type { RegistryContent } from "@glassline/service/metrics";
import type * as grpc from "@grpc/grpc-js";
import type { FastifyInstance } from "fastify";

import type { Door, DoorName, Doors } from "../doors.ts";
import type { Claim } from "../receivers/otqmn-stream.ts";
import type { Place, ToFront, ToShard } from "./messages.ts";

type Inject = (connection: Socket) => void;

/** What the front may ask of a shard. */
export interface Answers {
  /** Stores nothing more of the producer. @returns how far it got. */
  release(producer: string, incarnation: Uint8Array): Promise<number>;
  movedAway(producer: string): void;
  metrics(): Promise<RegistryContent>;
}

export class ShardLink {
  readonly place: Place;
  readonly #injectors = new Map<DoorName, Inject>();
  readonly #claims = new Map<number, (durableSeq: number) => void>();
  /** Not what it was in a life before: an answer to that is no answer to this. */
  #lastClaim = randomInt(2 ** 40);
  #answers: Answers | undefined;

  /** Waits for the front's first word. Undefined when no front has started this process. */
  static async open(): Promise<ShardLink | undefined> {
    if (!process.send) return undefined;
    const [place] = (await once(process, "message")) as [Place];
    return new ShardLink(place);
  }

  private constructor(place: Place) {
    this.place = place;
    // Nothing that is acknowledged is lost by that, and the next front finds the log free.
    process.once("disconnect", () => process.exit());
    process.on("message", (message: ToShard, socket: Socket | undefined) => {
      this.#receive(message, socket);
    });
  }

  readonly doors: Doors = {
    grpc: async ({ name }: Door, server: grpc.Server, credentials: grpc.ServerCredentials) => {
      const injector = server.createConnectionInjector(credentials);
      this.#injectors.set(name, (socket) => injector.injectConnection(socket));
      return 0;
    },
    http: async ({ name }: Door, server: FastifyInstance) => {
      await server.ready();
      this.#injectors.set(name, (socket) => void server.server.emit("connection", socket));
      return 0;
    },
  };

  readonly claim: Claim = (producer, incarnation) =>
    new Promise((resolve) => {
      const claim = ++this.#lastClaim;
      this.#claims.set(claim, resolve);
      this.#send({
        type: "claim",
        claim,
        producer,
        incarnation: Buffer.from(incarnation).toString("hex"),
      });
    });

  /** From now on producers, connections and questions may come. */
  begin(answers: Answers, marks: Extract<ToFront, { type: "marks" }>["marks"]): void {
    this.#answers = answers;
    this.#send({ type: "marks", marks });
  }

  #receive(message: ToShard, socket: Socket | undefined): void {
    if (message.type === "connection") this.#connection(message, socket);
    if (message.type === "ping") this.#send({ type: "pong" });
    if (message.type === "grant") {
      this.#claims.get(message.claim)?.(message.durableSeq);
      this.#claims.delete(message.claim);
    }
    if (message.type === "release") void this.#release(message);
    if (message.type === "moved") this.#answers?.movedAway(message.producer);
    if (message.type === "get-metrics") void this.#metrics();
  }

  #connection(
    { door, connection }: Extract<ToShard, { type: "connection" }>,
    socket: Socket | undefined,
  ): void {
    const ended = () => this.#send({ type: "connection-ended", connection });
    // The other side may have gone on the way.
    if (!socket) return ended();
    socket.once("close", ended);
    const inject = this.#injectors.get(door);
    if (inject) inject(socket);
    else socket.destroy();
  }

  async #release({ producer, incarnation }: Extract<ToShard, { type: "release" }>): Promise<void> {
    const bytes = Buffer.from(incarnation, "hex");
    // A grant that came just before has its effect first.
    await new Promise((resolve) => setImmediate(resolve));
    const durableSeq = await this.#answers!.release(producer, bytes);
    this.#send({ type: "released", producer, incarnation, durableSeq });
  }

  async #metrics(): Promise<void> {
    this.#send({ type: "metrics", metrics: await this.#answers!.metrics() });
  }

  #send(message: ToFront): void {
    // When the front has gone this process stops.
    if (process.connected) process.send!(message, undefined, undefined, () => {});
  }
}
