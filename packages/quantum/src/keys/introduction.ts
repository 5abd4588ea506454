/** How a process tells others with which key it makes handshakes: for as long as it runs, signed with the key of its certificate. */
import type { Identity, PeerName, Role } from "@glassline/service/identity";
import type { Field, Signature } from "@glassline/service/signed";
import { SignatureError, signFields, verifyFields } from "@glassline/service/signed";

import type { Peer } from "./handshake.ts";
import { PUBLIC_KEY_BYTES } from "./x-wing.ts";

/** One that is older or younger is refused, so that a recorded one is of no use for long. */
const CLOCK_TOLERANCE_MS = 300_000;

export interface Introduced extends Peer {
  /** Of the process: another one each time it starts. */
  incarnation: bigint;
}

interface Unsigned extends Introduced {
  signedAtUnixNano: bigint;
}

export type Introduction = Unsigned & Signature;

/** @param context of which kind it is: one for links is of no use for streams. */
export function introduce(
  context: string,
  introduced: Introduced,
  identity: Identity,
  nowUnixNano: bigint,
): Introduction {
  const { name, publicKey, incarnation } = introduced;
  const unsigned = { name, publicKey, incarnation, signedAtUnixNano: nowUnixNano };
  return { ...unsigned, ...signFields(context, fieldsOf(unsigned), identity) };
}

/** Throws SignatureError. @param role that its certificate must have. @param ca PEM. */
export function verifyIntroduction(
  context: string,
  introduction: Introduction,
  role: Role,
  ca: string,
  nowMs: number,
): Introduced {
  const { name, publicKey, incarnation, signedAtUnixNano } = introduction;
  if (publicKey.length !== PUBLIC_KEY_BYTES)
    throw new SignatureError(
      `public key: got ${publicKey.length} bytes, expected ${PUBLIC_KEY_BYTES}`,
    );
  const ageMs = nowMs - Number(signedAtUnixNano / 1_000_000n);
  if (Math.abs(ageMs) > CLOCK_TOLERANCE_MS)
    throw new SignatureError(
      `signed_at: got ${ageMs} ms ago, expected at most ${CLOCK_TOLERANCE_MS} ms from now; check the clocks`,
    );
  const admit = (signer: PeerName | undefined): void => {
    if (signer?.role === role && signer.instance === name) return;
    const shown = signer ? `${signer.role} ${signer.instance}` : "no name of this network";
    throw new SignatureError(`certificate: got one of ${shown}, expected ${role} ${name}`);
  };
  verifyFields(context, fieldsOf(introduction), introduction, { ca, nowMs, admit });
  return { name, publicKey, incarnation };
}

function fieldsOf({ name, publicKey, incarnation, signedAtUnixNano }: Unsigned): Field[] {
  return [name, publicKey, String(incarnation), String(signedAtUnixNano)];
}
