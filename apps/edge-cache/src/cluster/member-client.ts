/** Asks a member of the cluster how it is, and tells it of purges. */
import type { Identity } from "@glassline/service/identity";
import type { Pool } from "undici";

import { networkTrust } from "../upstream/trust.ts";
import { unlessAborted } from "../upstream/unless-aborted.ts";
import type { Member } from "./member.ts";
import type { EdgeState, ToldPurges } from "./messages.ts";
import { PURGES_PATH, STATE_PATH, parsePurges, parseState } from "./messages.ts";

export const STATE_TIMEOUT_MS = 300;
/** Longer than questions wait: a busy machine is late for the first, not for the second. */
const CONNECT_TIMEOUT_MS = 1_000;
const PURGES_TIMEOUT_MS = 5_000;
const ANSWER_MAX_BYTES = 16_777_216;

/** Its methods reject when the member does not answer, or not as a member does; with "TimeoutError" when it is late. */
export class MemberClient implements AsyncDisposable {
  readonly #load: () => Promise<Pool>;
  #loading: Promise<Pool> | undefined;

  constructor({ name, url }: Member, identity: Identity) {
    const trust = networkTrust(identity, "edge-cache", name);
    this.#load = async () => {
      const { Pool } = await import("undici");
      return new Pool(url, {
        connections: 2,
        connect: { timeout: CONNECT_TIMEOUT_MS, ...trust },
        maxResponseSize: ANSWER_MAX_BYTES,
      });
    };
  }

  async state(): Promise<EdgeState> {
    return parseState(await this.#ask("GET", STATE_PATH, STATE_TIMEOUT_MS));
  }

  async purgesAfter(position: string | undefined, sinceMs: number): Promise<ToldPurges> {
    const query = new URLSearchParams({ since: String(sinceMs) });
    if (position !== undefined) query.set("after", position);
    return parsePurges(await this.#ask("GET", `${PURGES_PATH}?${query}`, PURGES_TIMEOUT_MS));
  }

  async tell(purges: ToldPurges): Promise<EdgeState> {
    const body = JSON.stringify(purges);
    return parseState(await this.#ask("POST", PURGES_PATH, PURGES_TIMEOUT_MS, body));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#loading)?.destroy();
  }

  async #ask(method: "GET" | "POST", path: string, timeoutMs: number, body?: string) {
    const pool = await (this.#loading ??= this.#load());
    const signal = AbortSignal.timeout(timeoutMs);
    const asking = pool.request({ method, path, signal, body: body ?? null });
    const answer = await unlessAborted(asking, signal);
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}: ${text}`);
    return text;
  }
}
