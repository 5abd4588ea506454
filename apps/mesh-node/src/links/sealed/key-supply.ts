/** Where the QKD keys of links come from. Both ends of a link have one; the one that dials asks for new keys, the other one for those by their ids. */
import type { KeyStock } from "@glassline/quantum/key-delivery/key-stock";
import type { QuantumKey } from "@glassline/quantum/keys/epoch";

/** Of a key for a handshake; stocks are counted in such keys. */
export const KEY_BYTES = 32;

/** Of all together. */
export const bytesIn = (keys: readonly QuantumKey[]): number =>
  keys.reduce((sum, { key }) => sum + key.length, 0);

export interface KeySupply {
  /** For a handshake; undefined: there is none at present. */
  fresh(neighbour: string): Promise<QuantumKey | undefined>;
  /** For one-time pads: together so many bytes at most; none: there are none at present. */
  pads(neighbour: string, maxBytes: number): Promise<QuantumKey[]>;
  /** The keys that the neighbour has told the ids of, in their order; none: they cannot be had. */
  known(neighbour: string, ids: readonly string[]): Promise<QuantumKey[]>;
  /** What there is for the link to a neighbour; undefined: nobody is asked for keys. */
  stock(neighbour: string): Promise<KeyStock | undefined>;
}

/** Where there is no key manager. */
export const NO_KEYS: KeySupply = {
  fresh: async () => undefined,
  pads: async () => [],
  known: async () => [],
  stock: async () => undefined,
};
