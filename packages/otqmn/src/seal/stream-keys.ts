/** What both ends of a sealed stream bring along, and what can go wrong. */
import type { PrivateKey } from "@glassline/quantum/keys/x-wing";
import { privateKeyOf } from "@glassline/quantum/keys/x-wing";
import type { Clock } from "@glassline/service/clock";
import type { Identity } from "@glassline/service/identity";

/** Of introductions. */
export const CONTEXT = "glassline stream introduction v1";

/** Of a process, for all its streams. */
export interface OwnKeys {
  identity: Identity;
  clock: Clock;
  key: PrivateKey;
  incarnation: bigint;
}

/** What is not as it should be between the ends of a sealed stream: the stream ends. */
export class SealError extends Error {
  override readonly name = "SealError";
}

export function ownKeys(identity: Identity, clock: Clock, incarnation: bigint): OwnKeys {
  return { identity, clock, key: privateKeyOf(), incarnation };
}

/** No device of quantum keys serves both ends of a stream: the links have their own. */
export const agreementOf = (epoch: number) =>
  ({ epoch, mode: "hybrid", allowSimulatedKeys: false }) as const;
