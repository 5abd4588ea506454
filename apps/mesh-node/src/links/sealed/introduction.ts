/** How a node tells its neighbours with which key it makes handshakes: for as long as it runs, signed with the key of its certificate. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Introduction, IntroductionSchema } from "@glassline/proto/mesh";
import type { Peer } from "@glassline/quantum/keys/handshake";
import { PUBLIC_KEY_BYTES } from "@glassline/quantum/keys/x-wing";
import type { Identity, PeerName } from "@glassline/service/identity";
import type { Field } from "@glassline/service/signed";
import { SignatureError, signFields, verifyFields } from "@glassline/service/signed";

const CONTEXT = "glassline mesh introduction v1";
/** One that is older or younger is refused, so that a recorded one is of no use for long. */
const CLOCK_TOLERANCE_MS = 300_000;

export interface Introduced extends Peer {
  incarnation: bigint;
}

type Unsigned = Pick<Introduction, "name" | "publicKey" | "incarnation" | "signedAtUnixNano">;

export function introduce(
  introduced: Introduced,
  identity: Identity,
  nowUnixNano: bigint,
): MessageInitShape<typeof IntroductionSchema> {
  const { name, publicKey, incarnation } = introduced;
  const unsigned = { name, publicKey, incarnation, signedAtUnixNano: nowUnixNano };
  return { ...unsigned, ...signFields(CONTEXT, fieldsOf(unsigned), identity) };
}

/** Throws SignatureError. @param ca PEM. */
export function verifyIntroduction(
  introduction: Introduction,
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
    if (signer?.role === "mesh-node" && signer.instance === name) return;
    const shown = signer ? `${signer.role} ${signer.instance}` : "no name of this network";
    throw new SignatureError(`certificate: got one of ${shown}, expected mesh-node ${name}`);
  };
  verifyFields(CONTEXT, fieldsOf(introduction), introduction, { ca, nowMs, admit });
  return { name, publicKey, incarnation };
}

function fieldsOf({ name, publicKey, incarnation, signedAtUnixNano }: Unsigned): Field[] {
  return [name, publicKey, String(incarnation), String(signedAtUnixNano)];
}
