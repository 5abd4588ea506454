/** Tokens of viewers, put together from the configuration. */
import type { Clock } from "@glassline/service/clock";
import { every } from "@glassline/service/clock";
import { OperatorError, messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import type { EdgeCacheConfig } from "../config.ts";
import { addressOf } from "../core/address.ts";
import type { Addresses } from "../core/addresses.ts";
import { Revocations } from "../core/revocations.ts";
import type { EdgeMetrics } from "../metrics.ts";
import type { KeyWatch } from "./key-set.ts";
import { openKeySet } from "./key-set.ts";
import { noLog, openRevocations } from "./revocation-file.ts";
import type { Revoking } from "./revoke.ts";
import { Protection, TokenGate } from "./token-gate.ts";
import { tokenWriter } from "./token-writer.ts";
import { Verifier } from "./verifier.ts";

/** Revocations of tokens that have expired are forgotten. */
const FORGET_INTERVAL_MS = 60_000;

export interface ViewerTokens {
  gate: TokenGate;
  write: ReturnType<typeof tokenWriter>;
}

export interface ViewerTokenDeps {
  clock: Clock;
  logger: Logger;
  metrics: EdgeMetrics;
  addresses: Addresses;
  /** Of this edge and its peers. */
  servers: readonly string[];
}

/** Undefined `tokens`: nothing is protected. Throws OperatorError. */
export async function startViewerTokens(
  { protect, tokenKeys, tokenAudience, deployedChannel, revocations: path }: EdgeCacheConfig,
  { clock, logger, metrics, addresses, servers }: ViewerTokenDeps,
  stack: AsyncDisposableStack,
): Promise<{ tokens: ViewerTokens | undefined; revoking: Revoking }> {
  const revoking =
    path === ""
      ? { revocations: new Revocations(), log: noLog }
      : await openRevocations(path, clock.nowMs() / 1_000);
  stack.use(revoking.log);
  const { revocations } = revoking;
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  void every(clock, FORGET_INTERVAL_MS, stop.signal, () =>
    revocations.forget(clock.nowMs() / 1_000),
  );
  if (protect.length === 0) return { tokens: undefined, revoking };
  const protection = new Protection(protect.map(normal));
  if (tokenKeys === "")
    throw new OperatorError("--token-keys: got nothing, expected a file: --protect needs keys");
  const keySet = await keysIn(tokenKeys, clock, {
    changed: (keys) => {
      verifier.keys = keys;
      metrics.keyLoads.inc({ result: "read" });
      logger.info({ keys: keys.size }, "keys of viewers' tokens read again");
    },
    failed: (reason) => {
      metrics.keyLoads.inc({ result: "failed" });
      logger.warn({ reason }, "keys of viewers' tokens cannot be read: those from before count");
    },
  });
  const verifier = new Verifier(stack.use(keySet).keys, tokenAudience, deployedChannel);
  const gate = new TokenGate({ protection, verifier, revocations, addresses, clock });
  return { tokens: { gate, write: tokenWriter(protection, servers) }, revoking };
}

async function keysIn(path: string, clock: Clock, watch: KeyWatch) {
  try {
    return await openKeySet(path, clock, watch);
  } catch (error) {
    throw new OperatorError(`--token-keys: ${messageOf(error)}`, { cause: error });
  }
}

/** As addresses have it: no other spelling is a way around. */
function normal(prefix: string): string {
  const path = prefix.includes("?")
    ? undefined
    : addressOf(prefix.includes("%") ? prefix : encodeURI(prefix))?.path;
  if (path !== undefined) return path;
  throw new OperatorError(
    `--protect: got ${JSON.stringify(prefix)}, expected the beginning of a path, such as /live/cam-0001/`,
  );
}
