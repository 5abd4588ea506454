/** The front's side of one shard: its process, started again when it dies. */
import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";

import { RpcError } from "@glassline/proto/errors";
import type { AppDeps } from "@glassline/service/app";
import type { Backoff } from "@glassline/service/backoff";
import { backoff } from "@glassline/service/backoff";
import { OperatorError } from "@glassline/service/errors";
import type { Failed, Ready } from "@glassline/service/main";
import type { RegistryContent } from "@glassline/service/metrics";

import type { DoorName } from "../doors.ts";
import type { Place, ToFront, ToShard } from "./messages.ts";
import type { PrivateClients } from "./private-port.ts";
import { connectPrivately } from "./private-port.ts";

const MAIN = fileURLToPath(new URL("shard-main.ts", import.meta.url));
const STOP_DEADLINE_MS = 9_000;
/** One that has lived so long is started again at once. */
const STEADY_MS = 60_000;
/** One that does not answer for so long hangs. */
const HUNG_MS = 30_000;
const METRICS_TIMEOUT_MS = 5_000;

/** What a shard tells, beside what this class keeps to itself. */
export type Told = Exclude<ToFront, { type: "metrics" | "connection-ended" | "pong" }>;

export interface ShardEvents {
  told(message: Told): void;
  connectionsChanged(door: DoorName): void;
  /** It has died, and is being started again. */
  died(): void;
}

export class ShardProcess {
  readonly #place: Place;
  readonly #deps: AppDeps;
  readonly #events: ShardEvents;
  readonly #backoff: Backoff;
  #child: ChildProcess | undefined;
  #clients: PrivateClients | undefined;
  #metrics: PromiseWithResolvers<RegistryContent> | undefined;
  #isStopping = false;
  #upMs = 0;
  /** Open connections that it was given. This process lets go of a socket when the shard has it. */
  readonly #connections = new Map<number, { door: DoorName; socket: Socket }>();
  /** How many these are, by door. */
  readonly #counts = new Map<DoorName, number>();
  #lastConnection = 0;
  #heardMs = 0;

  constructor(place: Place, deps: AppDeps, events: ShardEvents) {
    this.#place = place;
    this.#deps = deps;
    this.#events = events;
    this.#backoff = backoff({ firstMs: 200, maxMs: 10_000, random: deps.random });
  }

  get isUp(): boolean {
    return this.#clients !== undefined;
  }

  /** Throws RpcError while it is away. */
  get clients(): PrivateClients {
    if (this.#clients) return this.#clients;
    const { shard } = this.#place;
    throw new RpcError(
      "unavailable",
      `shard ${shard}: is being started, ask again in some seconds`,
    );
  }

  /** Resolves when it is ready. Rejects with OperatorError when it cannot be started. */
  start(): Promise<void> {
    const child = fork(MAIN, process.argv.slice(2), {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#child = child;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    child.on("message", (message: ToFront | Ready | Failed) => {
      // Nothing that a dead one has said counts: what it has done is in its log.
      if (child.exitCode !== null || child.signalCode !== null) return;
      if ("failed" in message) return reject(new OperatorError(message.failed));
      if (!("ready" in message)) return this.#receive(message);
      this.#open(Number(message.ready["port"]));
      resolve();
    });
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      reject(new OperatorError(`shard ${this.#place.shard}: ended with ${signal ?? code}.`));
      this.#ended(String(signal ?? code));
    });
    this.send(this.#place);
    return promise;
  }

  send(message: ToShard): void {
    if (this.#child?.connected) this.#child.send(message, () => {});
  }

  handOver(door: DoorName, socket: Socket): void {
    const connection = ++this.#lastConnection;
    this.#connections.set(connection, { door, socket });
    this.#count(door, 1);
    this.#child!.send(
      { type: "connection", door, connection } satisfies ToShard,
      socket,
      (error) => {
        if (error) this.#forget(connection);
      },
    );
  }

  connections(door: DoorName): number {
    return this.#counts.get(door) ?? 0;
  }

  #count(door: DoorName, change: number): void {
    this.#counts.set(door, this.connections(door) + change);
    this.#events.connectionsChanged(door);
  }

  #forget(connection: number): void {
    const known = this.#connections.get(connection);
    if (!known) return;
    this.#connections.delete(connection);
    known.socket.destroy();
    this.#count(known.door, -1);
  }

  /** Asks whether it lives; one that has not answered for long is killed, and started again. */
  watch(): void {
    if (!this.isUp) return;
    const { clock, logger } = this.#deps;
    if (clock.monotonicMs() - this.#heardMs < HUNG_MS) return this.send({ type: "ping" });
    logger.error({ shard: this.#place.shard }, `a shard has not answered for ${HUNG_MS} ms`);
    this.#child?.kill("SIGKILL");
  }

  /** Its own metrics; none while it is away. */
  async metrics(): Promise<RegistryContent> {
    if (!this.isUp) return [];
    if (!this.#metrics) {
      this.#metrics = Promise.withResolvers();
      this.send({ type: "get-metrics" });
    }
    const timeout = AbortSignal.timeout(METRICS_TIMEOUT_MS);
    const none = new Promise<[]>((resolve) => {
      timeout.addEventListener("abort", () => resolve([]), { once: true });
    });
    return Promise.race([this.#metrics.promise, none]);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
    const deadline = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE_MS);
    await ended;
    clearTimeout(deadline);
  }

  #receive(message: ToFront): void {
    this.#heardMs = this.#deps.clock.monotonicMs();
    if (message.type === "pong") return;
    if (message.type === "connection-ended") this.#forget(message.connection);
    else if (message.type === "metrics") {
      this.#metrics?.resolve(message.metrics);
      this.#metrics = undefined;
    } else this.#events.told(message);
  }

  #open(port: number): void {
    this.#clients = connectPrivately(this.#deps.identity, port);
    this.#upMs = this.#heardMs = this.#deps.clock.monotonicMs();
  }

  #ended(how: string): void {
    this.#clients?.[Symbol.dispose]();
    const wasUp = this.isUp;
    if (wasUp && this.#deps.clock.monotonicMs() - this.#upMs > STEADY_MS) this.#backoff.reset();
    this.#clients = undefined;
    this.#metrics?.resolve([]);
    this.#metrics = undefined;
    for (const connection of this.#connections.keys()) this.#forget(connection);
    if (this.#isStopping || this.#deps.stopping.aborted) return;
    this.#events.died();
    this.#deps.logger.error({ shard: this.#place.shard, how }, "a shard has ended");
    if (wasUp) void this.#startAgain();
  }

  async #startAgain(): Promise<void> {
    const { clock, logger, stopping } = this.#deps;
    while (!this.#isStopping) {
      await clock.sleep(this.#backoff.nextMs(), stopping).catch(() => {});
      if (this.#isStopping || stopping.aborted) return;
      try {
        await this.start();
        logger.info({ shard: this.#place.shard }, "a shard is back");
        return;
      } catch (error) {
        logger.error({ shard: this.#place.shard, reason: String(error) }, "a shard does not start");
      }
    }
  }
}
