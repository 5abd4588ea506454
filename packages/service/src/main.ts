/** The life of a process: configuration, start, ready, a signal, stop. Every app's main.ts is one call of `runMain`. */
import type { ConfigOf, Program, Spec } from "@glassline/config";
import { ConfigError, readConfig } from "@glassline/config";

import { OperatorError, messageOf } from "./errors.ts";
import type { Logger, LogLevel } from "./logger.ts";
import { createLogger } from "./logger.ts";
import { releaseStartMemory } from "./start-memory.ts";
import { keepTickShape } from "./tick-shape.ts";

/** Exit codes, after sysexits.h. */
const EXIT = { usage: 64, software: 70, unavailable: 69 } as const;
/** Of an app that shall be started again at once, by whoever started it (EX_TEMPFAIL). */
export const START_AGAIN = 75;

/** For what an app does at its end, beside what its settings allow it. */
export const STOP_DEADLINE_MS = 10_000;
/** A terminal and npm may both pass on one Ctrl-C: what comes sooner is the same signal. */
const SECOND_SIGNAL_MS = 200;

/** Why an app stops that met an error nobody had foreseen. */
export const BUG = "a bug";

/** What an app tells the process that started it when it is ready. */
export interface Ready {
  ready: Record<string, string | number>;
}

/** What an app tells the process that started it when it cannot start or go on. */
export interface Failed {
  failed: string;
}

export interface Context {
  logger: Logger;
  /** Aborted when the process has been asked to stop. */
  stopping: AbortSignal;
  /** Stops as a signal does, with the exit code START_AGAIN. */
  startAnew: () => void;
}

export interface MainOptions<S extends Spec> {
  /** False for a program that speaks to a person instead. */
  logs?: boolean;
  /** An app that has not stopped so long after a signal is ended; one that gets a second signal, at once. */
  stopDeadlineMs?: (config: ConfigOf<S>) => number;
}

/** A running app; `addresses` are printed and told to the parent process. */
export interface Running extends AsyncDisposable {
  addresses: Record<string, string | number>;
}

/** Runs an app until it is told to stop by SIGINT, SIGTERM or the end of the process that started it. */
export async function runMain<S extends Spec>(
  program: Program<S>,
  start: (config: ConfigOf<S>, context: Context) => Promise<Running>,
  { logs = true, stopDeadlineMs: deadlineOf = () => STOP_DEADLINE_MS }: MainOptions<S> = {},
): Promise<void> {
  keepTickShape();
  const config = readOrExplain(program);
  if (!config) return;
  const stopDeadlineMs = deadlineOf(config);
  const level = logs && "logLevel" in config ? (config.logLevel as LogLevel) : "silent";
  const logger = createLogger(
    program.name,
    level,
    "name" in config ? String(config.name) : undefined,
  );
  const stop = new AbortController();
  const stopping = stop.signal;
  abortOnSignals(stop, logger, stopDeadlineMs);
  const startAnew = () => {
    if (stopping.aborted) return;
    process.exitCode = START_AGAIN;
    stop.abort("asked to start anew");
  };
  try {
    await using running = await start(config, { logger, stopping, startAnew });
    releaseStartMemory();
    logger.info(running.addresses, "ready");
    tellParent({ ready: running.addresses });
    await aborted(stopping);
    logger.info({ reason: String(stopping.reason) }, "stopping");
  } catch (error) {
    explain(program, error);
  } finally {
    if (process.connected) process.disconnect?.();
    endLater(stopDeadlineMs);
  }
}

/** Undefined when there is nothing to run: help was asked for, or the configuration is wrong, and that has been said. */
export function readOrExplain<S extends Spec>(program: Program<S>): ConfigOf<S> | undefined {
  return readWordsOrExplain(program)?.config;
}

/** The same, with the bare words. */
export function readWordsOrExplain<S extends Spec>(
  program: Program<S>,
): { config: ConfigOf<S>; words: readonly string[] } | undefined {
  try {
    const result = readConfig(program);
    if ("config" in result) return result;
    process.stdout.write(result.help);
  } catch (error) {
    explain(program, error);
  }
  return undefined;
}

function explain(program: Program<Spec>, error: unknown): void {
  const known = error instanceof ConfigError || error instanceof OperatorError;
  process.exitCode =
    error instanceof ConfigError ? EXIT.usage : known ? EXIT.unavailable : EXIT.software;
  const detail =
    known || !(error instanceof Error) ? messageOf(error) : (error.stack ?? error.message);
  process.stderr.write(`${detail}\n`);
  tellParent({ failed: detail });
}

function tellParent(message: Ready | Failed): void {
  if (process.connected && process.send) process.send(message);
}

function abortOnSignals(abort: AbortController, logger: Logger, stopDeadlineMs: number): void {
  let firstMs: number | undefined;
  const onSignal = (name: NodeJS.Signals) => {
    const nowMs = performance.now();
    firstMs ??= nowMs;
    if (nowMs - firstMs > SECOND_SIGNAL_MS) endLater(0);
    abort.abort(name);
  };
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, onSignal);
  // The parent's end closes the channel: an app does not outlive the stack that started it.
  process.on("disconnect", () => abort.abort("the parent process has ended"));
  const bug = (error: unknown) => {
    logger.fatal(
      { error: error instanceof Error ? error.stack : String(error) },
      "a bug: stopping",
    );
    process.exitCode = EXIT.software;
    abort.abort(BUG);
  };
  process.on("uncaughtException", bug);
  process.on("unhandledRejection", bug);
  abort.signal.addEventListener("abort", () => endLater(stopDeadlineMs), { once: true });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** The event loop runs dry by itself; what still holds it after the deadline is cut off. The only place that ends a process. */
function endLater(deadlineMs: number): void {
  setTimeout(() => process.exit(), deadlineMs).unref();
}
