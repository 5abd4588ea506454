/** The front's doors: each connection goes to the shard that has the fewest; of several to the next. */
import { once } from "node:events";
import type { Server, Socket } from "node:net";
import { createServer } from "node:net";

import type { ConnectionLimit } from "@glassline/service/connections";
import { listenError } from "@glassline/service/errors";

import type { Door, DoorName, LimitOf } from "../doors.ts";
import type { ShardProcess } from "./shard-process.ts";

export class Handing {
  readonly #shards: readonly ShardProcess[];
  readonly #limitOf: LimitOf;
  readonly #limits = new Map<DoorName, ConnectionLimit>();
  #next = 0;

  constructor(shards: readonly ShardProcess[], limitOf: LimitOf) {
    this.#shards = shards;
    this.#limitOf = limitOf;
  }

  /** Fails with OperatorError. */
  async listen({ name, what, host, port }: Door): Promise<Server> {
    const limit = this.#limitOf(name);
    this.#limits.set(name, limit);
    // What comes is not read here.
    const options = { pauseOnConnect: true, noDelay: true };
    const server = createServer(options, (socket) => this.#hand(name, socket, limit));
    try {
      server.listen({ host, port });
      await once(server, "listening");
    } catch (error) {
      throw listenError(error, what, host, port);
    }
    return server;
  }

  /** There are more or fewer connections now. */
  opened(door: DoorName): void {
    this.#limits.get(door)?.openChanged(this.#open(door));
  }

  #open(door: DoorName): number {
    return this.#shards.reduce((sum, shard) => sum + shard.connections(door), 0);
  }

  #hand(door: DoorName, socket: Socket, { max, refused }: ConnectionLimit): void {
    if (this.#open(door) >= max) {
      refused();
      return void socket.destroy();
    }
    this.#next = (this.#next + 1) % this.#shards.length;
    const inTurn = [...this.#shards.slice(this.#next), ...this.#shards.slice(0, this.#next)];
    const up = inTurn.filter(({ isUp }) => isUp);
    if (up.length === 0) return void socket.destroy();
    up.reduce((a, b) => (b.connections(door) < a.connections(door) ? b : a)).handOver(door, socket);
  }
}
