/** QKD keys from a key manager, by ETSI GS QKD 014. */
import type { Endpoint } from "@glassline/config";
import { KeyManagerClient, KeyManagerError } from "@glassline/quantum/key-delivery/client";
import type { KeySource, QuantumKey } from "@glassline/quantum/keys/epoch";
import type { Identity } from "@glassline/service/identity";
import type { Logger } from "@glassline/service/logger";

import type { KeySupply } from "./key-supply.ts";

const KEY_BITS = 256;
/** A handshake waits for it. */
const TIMEOUT_MS = 2_000;

export interface KeyManagerDeps {
  identity: Identity;
  logger: Logger;
  /** What its keys come from: nothing in the standard tells. */
  source: QuantumKey["source"];
  /** Told of each that was asked for. */
  asked: (source: KeySource) => void;
}

export class KeyManagerSupply implements KeySupply, Disposable {
  readonly #client: KeyManagerClient;
  readonly #deps: KeyManagerDeps;

  constructor({ name, host, port }: Endpoint, deps: KeyManagerDeps) {
    const { ca, certificate, privateKey } = deps.identity;
    const tls = { ca, cert: certificate, key: privateKey };
    this.#client = new KeyManagerClient({ host, port, kmeId: name, tls, timeoutMs: TIMEOUT_MS });
    this.#deps = deps;
  }

  fresh(neighbour: string): Promise<QuantumKey | undefined> {
    return this.#one(neighbour, () => this.#client.newKeys(neighbour, { sizeBits: KEY_BITS }));
  }

  known(neighbour: string, id: string): Promise<QuantumKey | undefined> {
    return this.#one(neighbour, () => this.#client.keysById(neighbour, [id]));
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
