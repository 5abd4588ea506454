/** The tokens that let somebody in: of a file, which is read again when it changes. */
import { hash, timingSafeEqual } from "node:crypto";

import type { Clock } from "@glassline/service/clock";
import { every } from "@glassline/service/clock";
import { OperatorError, messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import type { TokenEntry } from "../core/api-tokens.ts";
import { MalformedTokens, parseTokens } from "../core/api-tokens.ts";
import { readSecretFile, versionOf } from "../secret-file.ts";
import type { AccessMetrics } from "./metrics.ts";

const FLAG = "--api-tokens";
/** A thousand lines, and what people note beside them. */
const FILE_MAX_BYTES = 262_144;
const LOOK_INTERVAL_MS = 1_000;

export interface TokenFile {
  /** As it stands there, with what people have noted. */
  text: string;
  entries: readonly TokenEntry[];
}

/** Undefined: there is no such file. Rejects with OperatorError. */
export async function readTokens(path: string): Promise<TokenFile | undefined> {
  const text = await readSecretFile({ flag: FLAG, path, maxBytes: FILE_MAX_BYTES });
  try {
    return text === undefined ? undefined : { text, entries: parseTokens(text) };
  } catch (error) {
    if (!(error instanceof MalformedTokens)) throw error;
    throw new OperatorError(`${FLAG}: ${path}: ${error.message}`, { cause: error });
  }
}

export const sha256Of = (token: string) => hash("sha256", token, "hex");

type Named = Pick<TokenEntry, "name" | "role">;

export interface TokenStore extends Disposable {
  /** Whose token it is. All are looked at, each in the same time. */
  find(token: string): Named | undefined;
}

/** Where nobody has one. */
export const noTokens: TokenStore = { find: () => undefined, [Symbol.dispose]: () => {} };

export interface TokenStoreDeps {
  clock: Clock;
  logger: Logger;
  metrics: AccessMetrics;
}

/** Rejects with OperatorError. */
export async function openTokens(
  path: string,
  { clock, logger, metrics }: TokenStoreDeps,
): Promise<TokenStore> {
  const stop = new AbortController();
  // Before it is read: what is written meanwhile is seen as a change.
  let seen = await versionOf(path);
  const file = await readTokens(path);
  if (!file)
    throw new OperatorError(
      `${FLAG}: got ${path}, expected a file: \`npm run token -w @glassline/opsbot -- --role operator --name NAME ${FLAG} ${path}\` makes one`,
    );
  let known = hashesOf(file.entries);
  metrics.tokens.set(known.length);
  const look = async () => {
    const now = await versionOf(path);
    if (now === seen) return;
    seen = now;
    try {
      // Who takes the file away wants to let nobody in.
      known = hashesOf((await readTokens(path))?.entries ?? []);
      metrics.tokens.set(known.length);
      metrics.reads.inc({ result: "read" });
      logger.info({ tokens: known.length }, "the file of tokens has changed");
    } catch (error) {
      metrics.reads.inc({ result: "refused" });
      logger.error({ problem: messageOf(error) }, "the tokens from before go on counting");
    }
  };
  void every(clock, LOOK_INTERVAL_MS, stop.signal, look);
  return { find: (token) => findIn(known, token), [Symbol.dispose]: () => stop.abort() };
}

interface Hashed extends Named {
  bytes: Buffer;
}

function hashesOf(entries: readonly TokenEntry[]): readonly Hashed[] {
  return entries.map(({ name, role, hash: hex }) => ({
    name,
    role,
    bytes: Buffer.from(hex, "hex"),
  }));
}

function findIn(known: readonly Hashed[], token: string): Named | undefined {
  const bytes = hash("sha256", token, "buffer");
  let found: Named | undefined;
  for (const entry of known) if (timingSafeEqual(entry.bytes, bytes)) found = entry;
  return found && { name: found.name, role: found.role };
}
