/** Brings a secret to the collector in XOR shares, each by a way that has no node in common with the others. */
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";

import { create, toBinary } from "@bufbuild/protobuf";
import { ProducerSeal } from "@glassline/otqmn/seal/producer";
import type { OwnKeys } from "@glassline/otqmn/seal/keys";
import { SealError } from "@glassline/otqmn/seal/keys";
import type { Share } from "@glassline/otqmn/seal/shares";
import { SHARE_BYTES, split } from "@glassline/otqmn/seal/shares";
import { StreamRequestSchema } from "@glassline/proto/otqmn";
import type { QuantumKey } from "@glassline/quantum/keys/epoch";

import type { Carrier, CarrierEvents } from "./carrier.ts";
import { responseOf } from "./collector-response.ts";

/** @param avoided nodes that it must not lead through. Undefined: there is no way without them. */
export type OpenWay = (events: CarrierEvents, avoided: readonly string[]) => Carrier | undefined;

type SaidShare = Omit<Share, "nodes">;

/** Rejects with SealError: there are not so many ways; or with the signal's reason. @returns the secret, as keys take it in. */
export async function shareOut(
  open: OpenWay,
  own: OwnKeys,
  count: number,
  signal: AbortSignal,
): Promise<QuantumKey> {
  const secret = { id: randomUUID(), key: new Uint8Array(randomBytes(SHARE_BYTES)) };
  const used = [own.identity.instance];
  for (const [index, share] of split(secret.key, count).entries()) {
    const said = { id: secret.id, index, count, share };
    used.push(...(await bring(open, own, used, said, signal)));
  }
  return { ...secret, source: "shares" };
}

function shareMessage(value: SaidShare): Uint8Array {
  const step = { case: "share", value } as const;
  const message = { case: "opening", value: { step } } as const;
  return toBinary(StreamRequestSchema, create(StreamRequestSchema, { message }));
}

/** @returns the nodes that have carried it. */
async function bring(
  open: OpenWay,
  own: OwnKeys,
  used: readonly string[],
  value: SaidShare,
  signal: AbortSignal,
): Promise<string[]> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<string[]>();
  const events: CarrierEvents = {
    message: (bytes) => {
      try {
        const { message } = responseOf(bytes);
        const step = message.case === "opening" ? message.value.step : undefined;
        // Messages may overtake each other on the way: the share goes when the stream is known to be open.
        if (step?.case === "introduction") carrier?.send(shareMessage(value), []);
        if (step?.case === "share") resolve(step.value.nodes);
      } catch (error) {
        reject(error as Error);
      }
    },
    closed: (reason) => reject(new SealError(`share ${value.index + 1}: ${reason}`)),
  };
  const carrier = open(events, used);
  if (!carrier)
    throw new SealError(
      `shares: got ${value.index} ways to a collector without a node in common, expected ${value.count}`,
    );
  carrier.send(new ProducerSeal(own).opening(), []);
  const over = new AbortController();
  const aborted = once(signal, "abort", { signal: over.signal });
  try {
    return await Promise.race([promise, aborted.then(() => Promise.reject(signal.reason))]);
  } finally {
    over.abort();
    aborted.catch(() => {});
    carrier.close("the share is there");
  }
}
