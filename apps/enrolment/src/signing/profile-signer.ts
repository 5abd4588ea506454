/** Signs profiles: CMS SignedData by a certificate that is given, or by that of an own authority. */
import type { KeyObject } from "node:crypto";
import { X509Certificate, createPrivateKey, hash, sign } from "node:crypto";

import type { KeyPair } from "@glassline/service/certificate";
import { OperatorError } from "@glassline/service/errors";

import type { KeyKind, Signer } from "../core/signed-data.ts";
import { signedData, signerOf } from "../core/signed-data.ts";

/** By now the signer's certificate has expired, or it does not count yet. */
export class SignerNotValid extends Error {
  override readonly name = "SignerNotValid";
}

/** What signs now. */
interface Shown {
  signer: Signer;
  key: KeyObject;
  fromMs: number;
  untilMs: number;
}

export class ProfileSigner {
  #shown: Shown;

  /** Throws OperatorError for a key that cannot sign profiles. @param pair the certificate with its chain behind it, PEM. */
  constructor(pair: KeyPair) {
    this.#shown = shownOf(pair);
  }

  /** From now on another pair signs. Throws OperatorError, and then the old one does. */
  show(pair: KeyPair): void {
    this.#shown = shownOf(pair);
  }

  /** Unix milliseconds. */
  get untilMs(): number {
    return this.#shown.untilMs;
  }

  /** Why nothing can be signed now; undefined: it can. */
  problem(nowMs: number): string | undefined {
    const { fromMs, untilMs } = this.#shown;
    if (nowMs >= fromMs && nowMs < untilMs) return undefined;
    const [word, moment] = nowMs < fromMs ? ["begins", fromMs] : ["expired", untilMs];
    return `the certificate that signs profiles: it ${word} at ${new Date(moment).toISOString()}`;
  }

  /** @returns DER, with the whole chain. Throws SignerNotValid. */
  sign(content: Uint8Array, nowMs: number): Buffer {
    const problem = this.problem(nowMs);
    if (problem !== undefined) throw new SignerNotValid(problem);
    const { signer, key } = this.#shown;
    const signing = {
      sha256: (bytes: Uint8Array) => hash("sha256", bytes, "buffer"),
      sign: (bytes: Uint8Array) => sign("sha256", bytes, key),
    };
    return signedData(content, signer, signing, nowMs);
  }
}

function shownOf({ cert, key: keyPem }: KeyPair): Shown {
  const chain = certificatesIn(cert);
  const key = createPrivateKey(keyPem);
  const kind = kindOf(key);
  const [fromMs, untilMs] = [Date.parse(chain[0]!.validFrom), Date.parse(chain[0]!.validTo)];
  return {
    signer: signerOf(
      chain.map(({ raw }) => raw),
      kind,
    ),
    key,
    fromMs,
    untilMs,
  };
}

/** Throws OperatorError. */
function kindOf({ asymmetricKeyType: type }: KeyObject): KeyKind {
  if (type === "ec" || type === "rsa") return type;
  throw new OperatorError(
    `the key that signs profiles (--profile-key): got one of ${type}, expected an elliptic curve or RSA`,
  );
}

/** In the order of the file. */
function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0)
    throw new OperatorError("the certificate that signs profiles: got none, expected PEM");
  return blocks.map((block) => new X509Certificate(block));
}
