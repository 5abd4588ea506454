/** QKD keys from a key manager, by ETSI GS QKD 014. */
import type { Endpoint } from "@glassline/config";
import { KeyManagerClient, KeyManagerError } from "@glassline/quantum/key-delivery/client";
import type { KeyStock } from "@glassline/quantum/key-delivery/key-stock";
import { KeyStockMeter } from "@glassline/quantum/key-delivery/key-stock";
import type { KeySource, QuantumKey } from "@glassline/quantum/keys/epoch";
import type { Clock } from "@glassline/service/clock";
import type { Identity } from "@glassline/service/identity";
import type { Logger } from "@glassline/service/logger";

import type { KeySupply } from "./key-supply.ts";

const KEY_BITS = 256;
/** A handshake waits for it. */
const TIMEOUT_MS = 2_000;

export interface KeyManagerDeps {
  identity: Identity;
  logger: Logger;
  clock: Clock;
  /** What its keys come from: nothing in the standard tells. */
  source: QuantumKey["source"];
  /** Told of each that was asked for. */
  asked: (source: KeySource) => void;
  /** Told of each look at what there is. */
  looked: (neighbour: string, stock: KeyStock) => void;
}

export class KeyManagerSupply implements KeySupply, Disposable {
  readonly #client: KeyManagerClient;
  readonly #deps: KeyManagerDeps;
  /** By neighbour. */
  readonly #meters = new Map<string, KeyStockMeter>();

  constructor({ name, host, port }: Endpoint, deps: KeyManagerDeps) {
    const { ca, certificate, privateKey } = deps.identity;
    const tls = { ca, cert: certificate, key: privateKey };
    this.#client = new KeyManagerClient({ host, port, kmeId: name, tls, timeoutMs: TIMEOUT_MS });
    this.#deps = deps;
  }

  async fresh(neighbour: string): Promise<QuantumKey | undefined> {
    const key = await this.#one(neighbour, () =>
      this.#client.newKeys(neighbour, { sizeBits: KEY_BITS }),
    );
    if (key) this.#meter(neighbour).took(1);
    return key;
  }

  known(neighbour: string, id: string): Promise<QuantumKey | undefined> {
    return this.#one(neighbour, () => this.#client.keysById(neighbour, [id]));
  }

  async stock(neighbour: string): Promise<KeyStock> {
    const { clock, looked } = this.#deps;
    const { keys, qber } = await this.#stored(neighbour);
    const stock = this.#meter(neighbour).saw(keys, qber, clock.monotonicMs());
    looked(neighbour, stock);
    return stock;
  }

  async #stored(neighbour: string): Promise<{ keys: number; qber: number | undefined }> {
    try {
      const { storedKeyCount, keySizeBits, extension } = await this.#client.status(neighbour);
      return {
        keys: Math.floor((storedKeyCount * keySizeBits) / KEY_BITS),
        qber: extension?.qber,
      };
    } catch (error) {
      if (!(error instanceof KeyManagerError)) throw error;
      this.#deps.logger.debug({ neighbour, reason: error.message }, "the stock of keys is unknown");
      return { keys: 0, qber: undefined };
    }
  }

  #meter(neighbour: string): KeyStockMeter {
    let meter = this.#meters.get(neighbour);
    if (!meter) this.#meters.set(neighbour, (meter = new KeyStockMeter()));
    return meter;
  }

  async #one(
    neighbour: string,
    ask: () => Promise<{ id: string; key: Uint8Array }[]>,
  ): Promise<QuantumKey | undefined> {
    const { logger, source, asked } = this.#deps;
    try {
      const [key] = await ask();
      asked(key ? source : "none");
      return key && { ...key, source };
    } catch (error) {
      if (!(error instanceof KeyManagerError)) throw error;
      asked("none");
      logger.warn({ neighbour, reason: error.message }, "no QKD key");
      return undefined;
    }
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }
}
