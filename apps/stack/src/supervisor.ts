/** Starts the planned processes, starts again what ends by itself, and stops everything in order. */
import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { once } from "node:events";
import type { FileHandle } from "node:fs/promises";
import { mkdir, open, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { Backoff } from "@glassline/service/backoff";
import { backoff } from "@glassline/service/backoff";
import { OperatorError, messageOf } from "@glassline/service/errors";
import type { Failed, Ready } from "@glassline/service/main";
import { START_AGAIN } from "@glassline/service/main";

import type { ProcessPlan } from "./process-plan.ts";

const READY_TIMEOUT_MS = 30_000;
/** A service that takes longer to stop is ended. */
const STOP_TIMEOUT_MS = 5_000;
/** Long enough to be seen: a restart that nobody notices hides a fault. */
const RESTART_FIRST_MS = 3_000;
const RESTART_MAX_MS = 15_000;
/** A process that ran so long before it ended is started again at once. */
const STABLE_MS = 30_000;
const LOG_MAX_BYTES = 8_388_608;

export interface SupervisorOptions {
  logDirectory: string;
  restart: boolean;
  /** One line for the operator. */
  say: (line: string) => void;
}

interface Service {
  plan: ProcessPlan;
  child: ChildProcess | undefined;
  startedMs: number;
  backoff: Backoff;
  timer: NodeJS.Timeout | undefined;
}

export class Supervisor implements AsyncDisposable {
  readonly #options: SupervisorOptions;
  readonly #services: Service[];
  #stopping = false;

  constructor(processes: readonly ProcessPlan[], options: SupervisorOptions) {
    this.#options = options;
    this.#services = processes.map((plan) => ({
      plan,
      child: undefined,
      startedMs: 0,
      backoff: backoff({
        firstMs: RESTART_FIRST_MS,
        maxMs: RESTART_MAX_MS,
        random: () => 0.6 + 0.4 * Math.random(),
      }),
      timer: undefined,
    }));
  }

  /** Resolves when all are ready. Fails with OperatorError when one cannot start. */
  async start(): Promise<void> {
    await mkdir(this.#options.logDirectory, { recursive: true });
    await Promise.all(this.#services.map((service) => this.#launch(service)));
  }

  /** Sends a signal and waits for the end of the process. */
  async kill(name: string, signal: NodeJS.Signals): Promise<void> {
    const { child } = this.#find(name);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  /** Sends a signal. */
  signal(name: string, signal: NodeJS.Signals): void {
    this.#find(name).child?.kill(signal);
  }

  /** Starts a service that has ended. */
  restart(name: string): Promise<void> {
    return this.#launch(this.#find(name));
  }

  /** Stops one after another, in the order of the plan, so that what is under way can arrive. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    for (const service of this.#services) {
      clearTimeout(service.timer);
      await stopChild(service.child);
    }
  }

  #find(name: string): Service {
    const service = this.#services.find(({ plan }) => plan.name === name);
    if (!service) throw new Error(`no service is called ${name}`);
    return service;
  }

  async #launch(service: Service): Promise<void> {
    const { plan } = service;
    await using log = await openLog(join(this.#options.logDirectory, `${plan.name}.log`));
    if (this.#stopping) return;
    const child = fork(
      fileURLToPath(import.meta.resolve(`@glassline/${plan.app}/main`)),
      plan.arguments,
      {
        // A process group of its own: Ctrl-C reaches the stack alone, which then stops its services in order.
        detached: true,
        stdio: ["ignore", log.fd, log.fd, "ipc"],
        env: { ...process.env, ...plan.environment, ...ownTelemetry(process.env) },
      },
    );
    service.child = child;
    service.startedMs = performance.now();
    child.on("error", (error) => this.#options.say(`${plan.name}: ${error.message}`));
    child.once("exit", (code, signal) => this.#ended(service, child, signal ?? code));
    await ready(child, plan.name);
  }

  /** @param how the signal, or the exit code. */
  #ended(service: Service, child: ChildProcess, how: NodeJS.Signals | number | null): void {
    if (this.#stopping || service.child !== child) return;
    service.child = undefined;
    const { say, restart } = this.#options;
    const { name } = service.plan;
    if (how === START_AGAIN) {
      say(`${name} was asked to start anew.`);
      return this.#launchIn(0, service);
    }
    const reason = `${name} has ended (${typeof how === "string" ? how : `exit code ${how}`})`;
    if (!restart) return say(`${reason}.`);
    if (performance.now() - service.startedMs > STABLE_MS) service.backoff.reset();
    this.#launchLater(service, reason);
  }

  #launchLater(service: Service, reason: string): void {
    const waitMs = service.backoff.nextMs();
    this.#options.say(`${reason}; starting it again in ${(waitMs / 1_000).toFixed(1)} s.`);
    this.#launchIn(waitMs, service);
  }

  #launchIn(waitMs: number, service: Service): void {
    const { say, restart } = this.#options;
    service.timer = setTimeout(() => {
      this.#launch(service).then(
        () => this.#stopping || say(`${service.plan.name} is running again.`),
        (error: unknown) => {
          // A process that ended once more has been taken care of; one that never came to be has not.
          if (restart && !service.child && !this.#stopping && service.timer === undefined)
            this.#launchLater(service, messageOf(error));
        },
      );
      service.timer = undefined;
    }, waitMs);
  }
}

/** A user's own OTLP target wins over the stack's collector. */
function ownTelemetry(environment: NodeJS.ProcessEnv): Record<string, string> {
  if (environment["OTEL_EXPORTER_OTLP_ENDPOINT"] === undefined) return {};
  const names = ["ENDPOINT", "PROTOCOL", "CERTIFICATE", "HEADERS"].map(
    (name) => `OTEL_EXPORTER_OTLP_${name}`,
  );
  return Object.fromEntries(names.map((name) => [name, environment[name] ?? ""]));
}

function ready(child: ChildProcess, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () =>
        reject(new OperatorError(`${name} was not ready within ${READY_TIMEOUT_MS / 1_000} s.`)),
      READY_TIMEOUT_MS,
    );
    const settle = (settled: () => void) => {
      clearTimeout(timer);
      settled();
    };
    child.on("message", (message: Ready | Failed) => {
      if ("ready" in message) settle(resolve);
      else settle(() => reject(new OperatorError(`${name}: ${message.failed}`)));
    });
    child.once("exit", (code, signal) =>
      settle(() =>
        reject(new OperatorError(`${name} ended at once (${signal ?? `exit code ${code}`}).`)),
      ),
    );
  });
}

async function stopChild(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}

/** Appends; a log that has grown large makes room for a new one first. */
async function openLog(path: string): Promise<FileHandle> {
  const size = await stat(path).then(
    (information) => information.size,
    () => 0,
  );
  if (size > LOG_MAX_BYTES) await rename(path, `${path}.1`);
  return open(path, "a", 0o600);
}
