/** Secrets of enrolment links, and of the pages that use them. Only their hashes are stored. */
import { createHmac, hash, randomBytes, timingSafeEqual } from "node:crypto";

/** 256 bits in base64url. */
const SECRET = /^[A-Za-z0-9_-]{43}$/;
const SECRET_BYTES = 32;
const MARK_BYTES = 16;

/** Of a link: what its secret follows from, so that a repeated request can be answered as the first was. */
export const newMark = (): string => randomBytes(MARK_BYTES).toString("base64url");

/** @param key of the service, which is in no database. */
export const secretOf = (key: Buffer, mark: string): string =>
  createHmac("sha256", key).update(`enrolment link ${mark}`).digest("base64url");

/** Of a page that shows a link. */
export const newPageSecret = (): string => randomBytes(SECRET_BYTES).toString("base64url");

/** What is stored of a secret. It is looked up by this: how long that takes tells nothing of the secret. */
export const hashOf = (secret: string): Buffer => hash("sha256", secret, "buffer");

export const isSecret = (text: unknown): text is string =>
  typeof text === "string" && SECRET.test(text);

export function isHashOf(stored: Uint8Array | undefined, secret: string | undefined): boolean {
  return stored !== undefined && secret !== undefined && timingSafeEqual(stored, hashOf(secret));
}
