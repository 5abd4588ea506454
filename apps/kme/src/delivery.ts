/** Which SAE may have which keys: the rules of ETSI GS QKD 014 over the quantum links of a key manager. */
import type { Clock } from "@glassline/service/clock";

import type { KeyDelivery } from "./api.ts";
import type { KmeConfig } from "./config.ts";
import type { KeyLimits } from "./core/standard.ts";
import { bad, unauthorized, wantedIds, wantedKeys } from "./core/standard.ts";
import type { WaitingKeys } from "./core/waiting-keys.ts";
import type { QuantumLink } from "./link/quantum-link.ts";
import type { KmeMetrics } from "./metrics.ts";

const MIN_SIZE_BITS = 8;
const MAX_SIZE_BITS = 8_192;
const KEYS_PER_REQUEST = 128;
const ADDITIONAL_SLAVES = 16;

export interface DeliveryDeps {
  /** By SAE, the key manager that has it. */
  saes: ReadonlyMap<string, string>;
  links: ReadonlyMap<string, QuantumLink>;
  waiting: WaitingKeys;
  clock: Clock;
  metrics: KmeMetrics;
}

export function keyDelivery(
  { name, keySize, store }: Pick<KmeConfig, "name" | "keySize" | "store">,
  { saes, links, waiting, clock, metrics }: DeliveryDeps,
): KeyDelivery {
  const limits: KeyLimits = {
    sizeBits: keySize,
    minSizeBits: MIN_SIZE_BITS,
    maxSizeBits: MAX_SIZE_BITS,
    maxKeysPerRequest: KEYS_PER_REQUEST,
    maxSaeIds: ADDITIONAL_SLAVES,
  };
  /** Throws Refused: nobody is called so, or he is at a key manager to whom there is no link. */
  const linkTo = (slaveSaeId: string): QuantumLink => {
    const kme = saes.get(slaveSaeId);
    const link = kme === undefined ? undefined : links.get(kme);
    if (!link)
      throw bad(
        `slave_SAE_ID: got ${JSON.stringify(slaveSaeId).slice(0, 80)}, expected one at the other end of a quantum link`,
      );
    return link;
  };
  return {
    callerOf: (names) => {
      const caller = names.find((one) => saes.get(one) === name);
      if (caller === undefined) throw unauthorized();
      return caller;
    },
    status: (masterSaeId, slaveSaeId) => {
      const link = linkTo(slaveSaeId);
      const sizeBytes = keySize / 8;
      const { qber } = link.status();
      return {
        sourceKmeId: name,
        targetKmeId: saes.get(slaveSaeId)!,
        masterSaeId,
        slaveSaeId,
        keySizeBits: keySize,
        storedKeyCount: link.stored(sizeBytes),
        maxKeyCount: Math.floor(store / sizeBytes),
        maxKeysPerRequest: KEYS_PER_REQUEST,
        maxKeySizeBits: MAX_SIZE_BITS,
        minKeySizeBits: MIN_SIZE_BITS,
        maxSaeIdCount: ADDITIONAL_SLAVES,
        ...(qber !== undefined && { extension: { qber } }),
      };
    },
    wanted: (asked) => wantedKeys(asked, limits),
    newKeys: async (masterSaeId, slaveSaeId, wanted) => {
      const { additionalSlaveSaeIds } = wanted;
      const link = linkTo(slaveSaeId);
      const kme = saes.get(slaveSaeId)!;
      // To be the same at several key managers a key would have to be passed on by one of them.
      const elsewhere = additionalSlaveSaeIds.find((sae) => saes.get(sae) !== kme);
      if (elsewhere !== undefined)
        throw bad(
          `additional_slave_SAE_IDs: got ${JSON.stringify(elsewhere).slice(0, 80)}, expected SAEs of ${kme}, as ${slaveSaeId} is`,
        );
      return link.take(wanted, { masterSaeId, slaveSaeId, additionalSlaveSaeIds });
    },
    keysById: (slaveSaeId, masterSaeId, asked) =>
      waiting.take({ masterSaeId, slaveSaeId }, wantedIds(asked, limits), clock.monotonicMs()),
    answered: (call, status, keys) => {
      metrics.answers.inc({ call, status: String(status) });
      if (keys > 0) metrics.keys.inc({ call }, keys);
    },
  };
}
