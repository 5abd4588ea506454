/** How often the API may be asked: each caller for itself, and those who show nothing by where they come from. Pure but for its own memory. */
import { clientOf } from "@glassline/service/client-address";
import { RequestRates } from "@glassline/service/request-rates";

/** A caller who was quiet may ask so many seconds' worth at once. */
const BURST_S = 2;
/** More than tokens there can be. */
const CALLERS_MAX = 2_000;
/** Those without a token drive out none that have one. */
const ADDRESSES_MAX = 10_000;

export class ApiRates {
  readonly #callers: RequestRates<string>;
  readonly #addresses: RequestRates<string>;

  /** @param perSecond requests. */
  constructor(perSecond: number) {
    const rate = { perSecond, burst: BURST_S * perSecond };
    this.#callers = new RequestRates({ ...rate, clientsMax: CALLERS_MAX });
    this.#addresses = new RequestRates({ ...rate, clientsMax: ADDRESSES_MAX });
  }

  /** @param name of its token. @returns 0, or after how many milliseconds it may ask again. */
  takeCaller(name: string, nowMs: number): number {
    return this.#callers.take(name, nowMs);
  }

  /** Of those who have shown no token that counts. @returns as takeCaller. */
  takeAddress(address: string, nowMs: number): number {
    return this.#addresses.take(clientOf(address), nowMs);
  }

  /** Callers and addresses that are told apart. */
  get known(): number {
    return this.#callers.clients + this.#addresses.clients;
  }
}
