/** HTTPS for SAEs, by ETSI GS QKD 014 V1.1.1: mutual TLS, and identities from certificates. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { TLSSocket } from "node:tls";

import { certificateNames } from "@glassline/quantum/key-delivery/certificate-names";
import type { DeliveredKey, KeyManagerStatus } from "@glassline/quantum/key-delivery/messages";
import { writeKeys, writeStatus } from "@glassline/quantum/key-delivery/messages";
import { messageOf } from "@glassline/service/errors";
import type { Identity } from "@glassline/service/identity";
import type { Logger } from "@glassline/service/logger";

import type { Refusal, WantedKeys } from "./core/standard.ts";
import { Refused, bad } from "./core/standard.ts";

const BODY_MAX_BYTES = 1_048_576;
const REQUEST_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 60_000;
const PATH = /^\/api\/v1\/keys\/([^/?]+)\/(status|enc_keys|dec_keys)(?:\?(.*))?$/;

/** What SAEs may have of a key manager. All throw, or reject with, Refused. */
export interface KeyDelivery {
  /** Which of the names in a certificate is an SAE of this key manager. */
  callerOf: (names: readonly string[]) => string;
  status: (masterSaeId: string, slaveSaeId: string) => KeyManagerStatus;
  wanted: (asked: unknown) => WantedKeys;
  newKeys: (masterSaeId: string, slaveSaeId: string, wanted: WantedKeys) => Promise<DeliveredKey[]>;
  keysById: (slaveSaeId: string, masterSaeId: string, asked: unknown) => DeliveredKey[];
  /** Told of each answer. */
  answered: (call: string, status: number, keys: number) => void;
}

/** Old clients speak TLS 1.2 (section 5.1). */
export function apiServer(
  { ca, certificate, privateKey }: Identity,
  delivery: KeyDelivery,
  logger: Logger,
): Server {
  const server = createServer(
    {
      ca,
      cert: certificate,
      key: privateKey,
      minVersion: "TLSv1.2",
      requestCert: true,
      rejectUnauthorized: true,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: IDLE_TIMEOUT_MS,
    },
    (request, response) => {
      answer(request, response, delivery).catch((error: unknown) => {
        logger.error({ reason: messageOf(error) }, "a request for keys could not be answered");
        response.destroy();
      });
    },
  );
  return server as unknown as Server;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  delivery: KeyDelivery,
): Promise<void> {
  let call = "other";
  try {
    const caller = delivery.callerOf(
      certificateNames((request.socket as TLSSocket).getPeerCertificate()),
    );
    const asked = askedOf(request);
    call = asked.call;
    const body = await bodyOf(request);
    const { keys, said } = await answerTo(asked, body, caller, delivery);
    send(response, 200, said);
    delivery.answered(call, 200, keys);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { refusal } = error;
    send(response, refusal.status, bodyOfRefusal(refusal));
    delivery.answered(call, refusal.status, 0);
  }
}

interface Asked {
  method: string;
  /** The other SAE. */
  saeId: string;
  call: "status" | "enc_keys" | "dec_keys";
  query: URLSearchParams;
}

function askedOf({ method = "", url = "" }: IncomingMessage): Asked {
  const [, saeId, call, query] = PATH.exec(url) ?? [];
  const isKnown =
    saeId !== undefined && (method === "GET" || (method === "POST" && call !== "status"));
  if (!isKnown)
    throw bad(
      "request: expected GET .../api/v1/keys/{SAE_ID}/status, or GET or POST .../enc_keys or .../dec_keys",
    );
  try {
    return {
      method,
      saeId: decodeURIComponent(saeId),
      call: call as Asked["call"],
      query: new URLSearchParams(query),
    };
  } catch {
    throw bad("SAE_ID: got what cannot be decoded, expected percent-encoding");
  }
}

async function answerTo(
  { method, saeId, call, query }: Asked,
  body: unknown,
  caller: string,
  delivery: KeyDelivery,
): Promise<{ said: object; keys: number }> {
  if (call === "status") return { said: writeStatus(delivery.status(caller, saeId)), keys: 0 };
  const asked = method === "GET" ? ofQuery(call, query) : (body ?? {});
  const keys =
    call === "enc_keys"
      ? await delivery.newKeys(caller, saeId, delivery.wanted(asked))
      : delivery.keysById(caller, saeId, asked);
  return { said: writeKeys(keys), keys: keys.length };
}

/** GET has room for `number` and `size`, and for exactly one key_ID (section 5.3, 5.4). Throws Refused. */
function ofQuery(call: string, query: URLSearchParams): unknown {
  const names = call === "enc_keys" ? ["number", "size"] : ["key_ID"];
  for (const name of new Set(query.keys()))
    if (!names.includes(name) || query.getAll(name).length > 1)
      throw bad(`${name.slice(0, 40)}: expected ${names.join(" and ")} in a query, once each`);
  if (call === "enc_keys") return Object.fromEntries(query);
  return query.has("key_ID") ? { key_IDs: [{ key_ID: query.get("key_ID") }] } : {};
}

/** Undefined: there is none. Throws Refused. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_MAX_BYTES) throw bad(`body: got more than ${BODY_MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  if (bytes === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as unknown;
  } catch {
    throw bad("body: got something else, expected JSON");
  }
}

/** Of 401 the standard has no model. */
function bodyOfRefusal(refusal: Refusal): object | undefined {
  if (refusal.status === 401) return undefined;
  const { status: _status, ...body } = refusal;
  return body;
}

function send(response: ServerResponse, status: number, body: object | undefined): void {
  const text = body === undefined ? "" : JSON.stringify(body);
  response.writeHead(status, {
    "cache-control": "no-store",
    "content-length": Buffer.byteLength(text),
    ...(body !== undefined && { "content-type": "application/json" }),
  });
  response.end(text);
}
