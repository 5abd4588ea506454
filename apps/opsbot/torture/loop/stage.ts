/** Where loops play: certificates, what they act on, and a journal that can be made empty. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { systemClock } from "@glassline/service/clock";
import { readIdentity } from "@glassline/service/identity";
import { createLogger } from "@glassline/service/logger";
import { ensureDevelopmentPki } from "@glassline/service/pki";
import { Client } from "pg";

import type { Journal } from "../../src/stores/journal.ts";
import { journalIn } from "../../src/stores/journal.ts";
import { openSqlite } from "../../src/stores/open-store.ts";
import { startPostgres } from "../../src/stores/postgres.testing.ts";
import { postgresDatabase } from "../../src/stores/postgres.ts";
import type { Database } from "../../src/stores/sql.ts";
import { flagsOf } from "../../bench/opsbot-process.ts";
import { UNLIMITED } from "../../bench/unlimited.ts";
import { LoopProcess } from "./loop-process.ts";
import { RecordingPeer } from "./recording-peer.ts";

export type StoreKind = "sqlite" | "postgres";

const EDGES = ["edge-1", "edge-2"];

export interface StageOptions {
  store: StoreKind;
  /** Names of those that may play; each has a certificate. */
  names: readonly string[];
  slowMs?: number;
}

export class Stage implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly #store: StoreKind;
  readonly #directory: string;
  readonly #url: string;
  readonly peer: RecordingPeer;
  #plays = 0;

  private constructor(
    stack: AsyncDisposableStack,
    store: StoreKind,
    directory: string,
    url: string,
    peer: RecordingPeer,
  ) {
    [this.#stack, this.#store, this.#directory] = [stack, store, directory];
    [this.#url, this.peer] = [url, peer];
  }

  static async open({ store, names, ...peerOptions }: StageOptions): Promise<Stage> {
    await using stack = new AsyncDisposableStack();
    const directory = await mkdtemp(join(tmpdir(), "glassline-loop-"));
    stack.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 10 }));
    const pkiDir = join(directory, "pki");
    await ensureDevelopmentPki(pkiDir, [
      ...names.map((instance) => ({ role: "opsbot", instance }) as const),
      ...EDGES.map((instance) => ({ role: "edge-cache", instance }) as const),
      { role: "node-agent", instance: "agent-1" },
    ]);
    const identityOf = readIdentity.bind(undefined, pkiDir);
    const peer = stack.use(await RecordingPeer.start({ edges: EDGES, identityOf, ...peerOptions }));
    const postgres = store === "postgres" ? stack.use(await startPostgres()) : undefined;
    const url = (await postgres?.database()) ?? "";
    return new Stage(stack.move(), store, directory, url, peer);
  }

  /** With an empty journal, on what was never acted on. No loop runs. */
  async clear(): Promise<void> {
    this.#plays++;
    this.peer.reset();
    if (this.#store === "sqlite") return;
    await this.ask("DROP SCHEMA public CASCADE");
    await this.ask("CREATE SCHEMA public");
  }

  /** A loop that is being loaded. */
  loop(name: string): LoopProcess {
    return new LoopProcess([
      ...this.peer.words,
      ...flagsOf(UNLIMITED),
      `--name=${name}`,
      `--pki-dir=${join(this.#directory, "pki")}`,
      `--data-dir=${this.#dataDir}`,
      `--postgres=${this.#url}`,
      "--edge-token=token",
      "--log-level=error",
    ]);
  }

  /** The journal as it is; where it is a file, no loop runs. */
  journal(): Journal {
    return journalIn(this.#database(), () => systemClock.nowUnixNano());
  }

  /** In PostgreSQL. */
  async ask(text: string): Promise<Record<string, unknown>[]> {
    const client = new Client({ connectionString: this.#url });
    await client.connect();
    try {
      return (await client.query(text)).rows as Record<string, unknown>[];
    } finally {
      await client.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  get #dataDir(): string {
    return join(this.#directory, `data-${this.#plays}`);
  }

  #database(): Database {
    if (this.#store === "sqlite") return openSqlite(this.#dataDir);
    const connection = { connectionString: this.#url };
    const logger = createLogger("opsbot", "silent");
    return postgresDatabase({ connection, epoch: () => undefined, logger });
  }
}
