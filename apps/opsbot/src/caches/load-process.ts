/** A test load in a process of its own, so that whoever asks for it is not disturbed; it ends when its parent does. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { OperatorError } from "@glassline/service/errors";

import type { LoadCounts } from "../core/caches/load-counts.ts";
import type { LoadWish } from "./load.ts";

const MAIN = fileURLToPath(new URL("load-main.ts", import.meta.url));
const HEAP_MAX_MIB = 512;
/** To start, and to end. */
const GRACE_MS = 20_000;
/** Of what it said last. */
const SAID_CHARS = 500;
/** Of this environment; OpsBot's has secrets. */
const PASSED_ON = ["PATH", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/** @param ca authority of the edges' certificates, PEM. Rejects with OperatorError when it cannot be run, or with the signal's reason. */
export async function runLoad(
  wish: LoadWish,
  ca: string | undefined,
  signal: AbortSignal,
): Promise<LoadCounts> {
  signal.throwIfAborted();
  const child = fork(MAIN, [], {
    execArgv: [`--max-old-space-size=${HEAP_MAX_MIB}`],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    env: Object.fromEntries(PASSED_ON.flatMap((name) => entryOf(name))),
  });
  let said = "";
  child.stderr!.on("data", (chunk: Buffer) => (said = (said + String(chunk)).slice(-SAID_CHARS)));
  const ended = once(child, "close");
  const limit = AbortSignal.timeout(wish.forMs + GRACE_MS);
  const either = AbortSignal.any([signal, limit]);
  const kill = () => void child.kill("SIGKILL");
  either.addEventListener("abort", kill, { once: true });
  let counts: LoadCounts | undefined;
  child.on("message", (message) => {
    counts = (message as { counts: LoadCounts }).counts;
  });
  try {
    child.send({ wish, ca }, () => {});
    const [code, by] = (await ended) as [number | null, NodeJS.Signals | null];
    signal.throwIfAborted();
    if (counts) return counts;
    const end = limit.aborted
      ? `no end after ${wish.forMs + GRACE_MS} ms`
      : `an end (${by ?? code})`;
    throw new OperatorError(`the load's process: got ${end}, expected its counts. ${said}`.trim());
  } finally {
    either.removeEventListener("abort", kill);
    kill();
  }
}

function entryOf(name: string): [string, string][] {
  const value = process.env[name];
  return value === undefined ? [] : [[name, value]];
}
