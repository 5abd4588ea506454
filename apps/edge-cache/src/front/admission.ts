/** Which connections are taken: so many at a time from all clients, and from each. */
import type { Socket } from "node:net";

import { clientOf } from "@glassline/service/client-address";
import type { FrontLimits } from "./limits.ts";
import type { Refusal, Refused } from "./refusals.ts";

/** One for all ports of viewers. */
export class Admission {
  readonly #limits: FrontLimits;
  readonly #refused: Refused;
  readonly #open = new Set<Socket>();
  readonly #byClient = new Map<string, number>();

  constructor(limits: FrontLimits, refused: Refused) {
    this.#limits = limits;
    this.#refused = refused;
  }

  get open(): number {
    return this.#open.size;
  }

  /** A new connection, before anything is read from it. @returns false: it has been closed. */
  admits(socket: Socket): boolean {
    const refusal = this.#refusal(socket);
    if (refusal) {
      this.#refused(refusal);
      socket.destroy();
      return false;
    }
    this.#open.add(socket);
    socket.once("close", () => this.#open.delete(socket));
    return true;
  }

  /** Cuts all: also those that have not got as far as HTTP. */
  cut(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #refusal(socket: Socket): Refusal | undefined {
    const { connectionsMax, clientConnectionsMax } = this.#limits;
    if (this.#open.size >= connectionsMax) return "connections";
    if (clientConnectionsMax === 0) return undefined;
    // Who has gone already has no address.
    const client = clientOf(socket.remoteAddress ?? "");
    const open = this.#byClient.get(client) ?? 0;
    if (open >= clientConnectionsMax) return "client_connections";
    this.#byClient.set(client, open + 1);
    socket.once("close", () => {
      const left = this.#byClient.get(client)! - 1;
      if (left > 0) this.#byClient.set(client, left);
      else this.#byClient.delete(client);
    });
    return undefined;
  }
}
