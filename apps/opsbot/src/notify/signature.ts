/**
 * A receiver can tell that it was OpsBot who told it, and when: after Standard Webhooks, for which there are libraries in many languages.
 * Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
import { createHmac } from "node:crypto";

import { OperatorError } from "@glassline/service/errors";

const PREFIX = "whsec_";
/** Of a key, by the specification. */
const BYTES_MIN = 24;
const BYTES_MAX = 64;

/** Empty: nothing is signed. Throws OperatorError, which does not show the secret. */
export function signingKeyOf(secret: string): Buffer | undefined {
  if (secret === "") return undefined;
  const base64 = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : "";
  const key = Buffer.from(base64, "base64");
  const isBase64 = key.toString("base64").replace(/=+$/, "") === base64.replace(/=+$/, "");
  if (isBase64 && key.length >= BYTES_MIN && key.length <= BYTES_MAX) return key;
  throw new OperatorError(
    `--webhook-secret: got something else, expected ${PREFIX} and ${BYTES_MIN} to ${BYTES_MAX} bytes in base64: "${PREFIX}$(openssl rand -base64 32)"`,
  );
}

/** Header fields of a message. @param timeMs of this try, Unix milliseconds: receivers refuse old ones. */
export function signed(key: Buffer, id: string, timeMs: number, body: string) {
  const timestamp = String(Math.floor(timeMs / 1_000));
  const code = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${code}`,
  };
}
