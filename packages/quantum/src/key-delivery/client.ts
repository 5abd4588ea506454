/**
 * Asks a key manager for keys, ETSI GS QKD 014 V1.1.1, section 5. Key managers in the field lock up, answer in HTML, and ignore what they
 * are asked for: each answer is looked at, none is waited for without end, and no key is ever in a message of an error.
 */
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import type { PeerCertificate, SecureContextOptions } from "node:tls";

import { certificateNames } from "./certificate-names.ts";
import type { DeliveredKey, KeyManagerStatus, KeyRequest } from "./messages.ts";
import {
  MessageError,
  readErrorMessage,
  readKeys,
  readStatus,
  writeKeyIds,
  writeKeyRequest,
} from "./messages.ts";

const TIMEOUT_MS = 5_000;
const ANSWER_MAX_BYTES = 4_194_304;
const WRONG_NAME = "ERR_TLS_CERT_ALTNAME_INVALID";

export type KeyProblem =
  /** 400: what was asked for cannot be, or was collected, or is lost. */
  | "refused"
  /** 401: the key manager does not know this SAE, or the keys are not for it. */
  | "unauthorized"
  /** 503, or it cannot be reached. */
  | "unavailable"
  /** It took the question and did not answer in time. */
  | "timeout"
  /** It answered, and not as the standard says. */
  | "malformed";

export class KeyManagerError extends Error {
  override readonly name = "KeyManagerError";
  readonly problem: KeyProblem;

  constructor(problem: KeyProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}

export interface KeyManagerPlace {
  host: string;
  port: number;
  /** As in its certificate. */
  kmeId: string;
  /** This SAE's own certificate and key, and whom it trusts. TLS 1.2 at least. */
  tls: SecureContextOptions;
  timeoutMs?: number;
}

interface Answer {
  status: number;
  text: string;
}

/** One question at a time: two at once lock up key managers in the field. */
export class KeyManagerClient implements Disposable {
  readonly #place: KeyManagerPlace;
  readonly #agent: Agent;
  #last: Promise<unknown> = Promise.resolve();

  constructor(place: KeyManagerPlace) {
    this.#place = place;
    this.#agent = new Agent({
      minVersion: "TLSv1.2",
      ...place.tls,
      keepAlive: true,
      maxSockets: 1,
      // Without a name Node would send none, which some servers do not take; it is not what is checked.
      servername: "localhost",
      checkServerIdentity: (_host: string, certificate: PeerCertificate) =>
        this.#strangerIn(certificate),
    });
  }

  /** What this key manager has for `slaveSaeId`. Rejects with KeyManagerError; so do all others. */
  async status(slaveSaeId: string): Promise<KeyManagerStatus> {
    return this.#read(readStatus, await this.#ask(slaveSaeId, "status"));
  }

  /**
   * New keys, shared with `slaveSaeId`, which asks for them by their ids. Fewer may come than were asked for; never one of another size.
   * What an answer that is refused here had in it is lost: the other end never hears of it.
   */
  async newKeys(slaveSaeId: string, wanted: KeyRequest = {}): Promise<DeliveredKey[]> {
    const keys = await this.#keys(slaveSaeId, "enc_keys", writeKeyRequest(wanted));
    const { number = 1, sizeBits } = wanted;
    if (keys.length === 0 || keys.length > number)
      throw malformed(`keys: got ${keys.length}, expected 1 to ${number}`);
    const other = keys.find(({ key }) => sizeBits !== undefined && key.byteLength * 8 !== sizeBits);
    if (other)
      throw malformed(`key: got ${other.key.byteLength * 8} bits, expected ${sizeBits} bits`);
    return keys;
  }

  /** The keys that `masterSaeId` has told the ids of, in their order. Each can be had once. */
  async keysById(masterSaeId: string, ids: readonly string[]): Promise<DeliveredKey[]> {
    const keys = await this.#keys(masterSaeId, "dec_keys", writeKeyIds(ids));
    const byId = new Map(keys.map((one) => [one.id, one]));
    const found = ids.map((id) => byId.get(id.toLowerCase()));
    if (found.includes(undefined) || keys.length !== ids.length)
      throw malformed(`keys: got other ones, expected the ${ids.length} that were asked for`);
    return found as DeliveredKey[];
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #keys(saeId: string, call: string, body: object): Promise<DeliveredKey[]> {
    return this.#read(readKeys, await this.#ask(saeId, call, body));
  }

  #ask(saeId: string, call: string, body?: object): Promise<unknown> {
    const asked = this.#last.then(() => this.#exchange(saeId, call, body));
    this.#last = asked.catch(() => {});
    return asked;
  }

  async #exchange(saeId: string, call: string, body?: object): Promise<unknown> {
    const path = `/api/v1/keys/${encodeURIComponent(saeId)}/${call}`;
    const { status, text } = await this.#send(path, body && JSON.stringify(body));
    if (status === 200) return this.#read(JSON.parse as (text: string) => unknown, text);
    throw this.#refusal(status, text);
  }

  /** Whatever is wrong with an answer is said without the answer. */
  #read<From, To>(read: (from: From) => To, from: From): To {
    try {
      return read(from);
    } catch (error) {
      const what = error instanceof MessageError ? error.message : "got something else than JSON";
      throw malformed(`${this.#name}: ${what}`);
    }
  }

  #refusal(status: number, text: string): KeyManagerError {
    let said: string | undefined;
    try {
      said = readErrorMessage(JSON.parse(text));
    } catch {
      // Some answer in HTML.
    }
    const problem = PROBLEMS.get(status) ?? "malformed";
    return new KeyManagerError(
      problem,
      `${this.#name}: ${status}${said === undefined ? "" : ` (${said})`}`,
    );
  }

  async #send(path: string, body: string | undefined): Promise<Answer> {
    const { host, port, timeoutMs = TIMEOUT_MS } = this.#place;
    const signal = AbortSignal.timeout(timeoutMs);
    let isConnected = false;
    try {
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
      const asking = request(
        {
          host,
          port,
          path,
          agent: this.#agent,
          method: body === undefined ? "GET" : "POST",
          headers: {
            accept: "application/json",
            ...(body !== undefined && {
              "content-type": "application/json",
              "content-length": Buffer.byteLength(body),
            }),
          },
          signal,
        },
        resolve,
      );
      asking.once("error", reject);
      asking.once("socket", (socket) => {
        isConnected = !socket.connecting;
        // One that is used again is connected.
        if (!isConnected) socket.once("secureConnect", () => (isConnected = true));
      });
      asking.end(body);
      const answer = await promise;
      return { status: answer.statusCode ?? 0, text: await textOf(answer) };
    } catch (error) {
      if (error instanceof KeyManagerError) throw error;
      const isLate = signal.aborted;
      const problem = isLate && isConnected ? "timeout" : "unavailable";
      const what = isLate ? `no answer within ${timeoutMs} ms` : reasonOf(error);
      throw new KeyManagerError(problem, `${this.#name}: ${what}`, { cause: error });
    }
  }

  #strangerIn(certificate: PeerCertificate): Error | undefined {
    const { kmeId } = this.#place;
    const names = certificateNames(certificate);
    if (names.includes(kmeId)) return undefined;
    const shown = names.length > 0 ? names.join(", ") : "nobody";
    const error = new Error(`certificate: got that of ${shown}, expected that of ${kmeId}`);
    return Object.assign(error, { code: WRONG_NAME });
  }

  get #name(): string {
    return `key manager ${this.#place.kmeId}`;
  }
}

/** Only these exist (section 5). */
const PROBLEMS: ReadonlyMap<number, KeyProblem> = new Map([
  [400, "refused"],
  [401, "unauthorized"],
  [503, "unavailable"],
]);

const malformed = (message: string) => new KeyManagerError("malformed", message);

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_MAX_BYTES) {
      answer.destroy();
      throw malformed(`answer: got more than ${ANSWER_MAX_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "failed";
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined || code === WRONG_NAME ? error.message : code;
}
