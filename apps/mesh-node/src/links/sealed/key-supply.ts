/** Where the QKD keys of handshakes come from. Both ends of a link have one; the one that dials asks for new keys, the other one for those by their ids. */
import type { KeyStock } from "@glassline/quantum/key-delivery/key-stock";
import type { QuantumKey } from "@glassline/quantum/keys/epoch";

export interface KeySupply {
  /** Undefined: there is none at present. */
  fresh(neighbour: string): Promise<QuantumKey | undefined>;
  /** The key that the neighbour has told the id of; undefined: it cannot be had. */
  known(neighbour: string, id: string): Promise<QuantumKey | undefined>;
  /** What there is for the link to a neighbour; undefined: nobody is asked for keys. */
  stock(neighbour: string): Promise<KeyStock | undefined>;
}

/** Where there is no key manager. */
export const NO_KEYS: KeySupply = {
  fresh: async () => undefined,
  known: async () => undefined,
  stock: async () => undefined,
};
