/** QKD keys from a key manager, by ETSI GS QKD 014. */
import type { Endpoint } from "@glassline/config";
import { KeyManagerClient, KeyManagerError } from "@glassline/quantum/key-delivery/client";
import type { KeyStock } from "@glassline/quantum/key-delivery/key-stock";
import type { DeliveredKey, KeyRequest } from "@glassline/quantum/key-delivery/messages";
import { KeyStockMeter } from "@glassline/quantum/key-delivery/key-stock";
import type { KeySource, QuantumKey } from "@glassline/quantum/keys/epoch";
import type { Clock } from "@glassline/service/clock";
import type { Identity } from "@glassline/service/identity";
import type { Logger } from "@glassline/service/logger";

import type { KeySupply } from "./key-supply.ts";
import { KEY_BYTES, bytesIn } from "./key-supply.ts";

const KEY_BITS = 8 * KEY_BYTES;
/** Of a key for a pad: the ids are said, too. */
const PAD_KEY_MAX_BYTES = 1_024;
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
  /** By neighbour, what its key manager gives, as it said last. */
  readonly #limits = new Map<string, { keyBytes: number; keys: number }>();

  constructor({ name, host, port }: Endpoint, deps: KeyManagerDeps) {
    const { ca, certificate, privateKey } = deps.identity;
    const tls = { ca, cert: certificate, key: privateKey };
    this.#client = new KeyManagerClient({ host, port, kmeId: name, tls, timeoutMs: TIMEOUT_MS });
    this.#deps = deps;
  }

  async fresh(neighbour: string): Promise<QuantumKey | undefined> {
    return (await this.#fresh(neighbour, { sizeBits: KEY_BITS }))[0];
  }

  async pads(neighbour: string, maxBytes: number): Promise<QuantumKey[]> {
    const { keyBytes, keys } = this.#limits.get(neighbour) ?? { keyBytes: KEY_BYTES, keys: 1 };
    const size = Math.min(keyBytes, PAD_KEY_MAX_BYTES, maxBytes);
    if (size < KEY_BYTES) return [];
    const number = Math.min(keys, Math.floor(maxBytes / size));
    return this.#fresh(neighbour, { number, sizeBits: 8 * size });
  }

  known(neighbour: string, ids: readonly string[]): Promise<QuantumKey[]> {
    return this.#ask(neighbour, () => this.#client.keysById(neighbour, ids));
  }

  async #fresh(neighbour: string, wanted: KeyRequest): Promise<QuantumKey[]> {
    const keys = await this.#ask(neighbour, () => this.#client.newKeys(neighbour, wanted));
    this.#meter(neighbour).took(bytesIn(keys) / KEY_BYTES);
    return keys;
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
      const status = await this.#client.status(neighbour);
      const { storedKeyCount, keySizeBits, maxKeySizeBits, maxKeysPerRequest, extension } = status;
      const keyBytes = Math.floor(maxKeySizeBits / 8);
      this.#limits.set(neighbour, { keyBytes, keys: maxKeysPerRequest });
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

  /** None: there are none. */
  async #ask(neighbour: string, ask: () => Promise<DeliveredKey[]>): Promise<QuantumKey[]> {
    const { logger, source, asked } = this.#deps;
    try {
      const keys = await ask();
      for (const _ of keys) asked(source);
      return keys.map((key) => ({ ...key, source }));
    } catch (error) {
      if (!(error instanceof KeyManagerError)) throw error;
      asked("none");
      logger.warn({ neighbour, reason: error.message }, "no QKD key");
      return [];
    }
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }
}
