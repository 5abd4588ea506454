/** A signed Hello: who opens a stream, proved by its certificate's key, whatever the connection in between. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Hello, HelloSchema } from "@glassline/proto/otqmn";
import type { Identity, PeerName, Role } from "@glassline/service/identity";
import type { Field } from "@glassline/service/signed";
import { SignatureError, signFields, verifyFields } from "@glassline/service/signed";

/** The name of the format of batches (FORMAT.md) among the capabilities of Hello and Welcome. */
export const CODEC = "stream/1";

export const INCARNATION_BYTES = 16;
/** Sequence numbers are safe integers, with room to count on. */
export const SEQ_MAX = BigInt(Number.MAX_SAFE_INTEGER) / 2n;
/** A Hello that is older or younger is refused, so that a recorded one is of no use for long. */
const CLOCK_TOLERANCE_MS = 300_000;
const PRODUCER_ROLES: ReadonlySet<Role> = new Set(["mesh-node", "camera"]);
const CONTEXT = "glassline otqmn hello v1";

export interface Opening {
  producer: string;
  /** 16 bytes. */
  incarnation: Uint8Array;
  firstUnackedSeq: bigint;
}

/** A Hello that is not accepted. The message says what, what was got, what was expected. */
export class HelloError extends Error {
  override readonly name = "HelloError";
}

export function signHello(
  opening: Opening,
  identity: Identity,
  nowUnixNano: bigint,
): MessageInitShape<typeof HelloSchema> {
  const unsigned = {
    ...opening,
    capabilities: [CODEC],
    signedAtUnixNano: nowUnixNano,
  };
  return { ...unsigned, ...signFields(CONTEXT, fieldsOf(unsigned), identity) };
}

/** Throws HelloError unless the Hello is signed now by a producer of the network. @param ca PEM. */
export function verifyHello(hello: Hello, ca: string, nowMs: number): Opening {
  const { producer, incarnation, firstUnackedSeq } = hello;
  if (incarnation.length !== INCARNATION_BYTES) {
    throw new HelloError(
      `incarnation: got ${incarnation.length} bytes, expected ${INCARNATION_BYTES}`,
    );
  }
  if (firstUnackedSeq < 1n || firstUnackedSeq > SEQ_MAX) {
    throw new HelloError(`first_unacked_seq: got ${firstUnackedSeq}, expected 1 to ${SEQ_MAX}`);
  }
  if (!hello.capabilities.includes(CODEC)) {
    throw new HelloError(
      `capabilities: got ${hello.capabilities.join(", ") || "none"}, expected ${CODEC} among them`,
    );
  }
  const ageMs = nowMs - Number(hello.signedAtUnixNano / 1_000_000n);
  if (Math.abs(ageMs) > CLOCK_TOLERANCE_MS) {
    throw new HelloError(
      `signed_at: got ${ageMs} ms ago, expected at most ${CLOCK_TOLERANCE_MS} ms from now; check the clocks`,
    );
  }
  const admit = (signer: PeerName | undefined): void => {
    if (signer && PRODUCER_ROLES.has(signer.role) && signer.instance === producer) return;
    const shown = signer ? `${signer.role} ${signer.instance}` : "no name of this network";
    throw new HelloError(`certificate: got one of ${shown}, expected producer ${producer}`);
  };
  try {
    verifyFields(CONTEXT, fieldsOf(hello), hello, { ca, nowMs, admit });
  } catch (error) {
    if (error instanceof SignatureError) throw new HelloError(error.message, { cause: error });
    throw error;
  }
  return { producer, incarnation, firstUnackedSeq };
}

type Unsigned = Opening & { capabilities: readonly string[]; signedAtUnixNano: bigint };

function fieldsOf(unsigned: Unsigned): Field[] {
  const { producer, incarnation, firstUnackedSeq, capabilities, signedAtUnixNano } = unsigned;
  return [
    producer,
    incarnation,
    String(firstUnackedSeq),
    ...capabilities,
    String(signedAtUnixNano),
  ];
}
