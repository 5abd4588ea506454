/** How often each client may ask, by the address of its connection. */
import type { Clock } from "@glassline/service/clock";

import { clientOf } from "@glassline/service/client-address";
import type { Rate } from "@glassline/service/request-rates";
import { RequestRates } from "@glassline/service/request-rates";
import type { Asking } from "./viewer-exchange.ts";

export class ClientRates {
  readonly #rates: RequestRates<string>;
  readonly #clock: Clock;
  readonly #clients = new WeakMap<Asking["socket"], string>();

  constructor(rate: Rate, clock: Clock) {
    this.#rates = new RequestRates(rate);
    this.#clock = clock;
  }

  /** @returns 0, or after how many whole seconds this client may ask again. */
  waitS(socket: Asking["socket"]): number {
    let client = this.#clients.get(socket);
    if (client === undefined) {
      client = clientOf(socket.remoteAddress ?? "");
      this.#clients.set(socket, client);
    }
    return Math.ceil(this.#rates.take(client, this.#clock.monotonicMs()) / 1_000);
  }
}
