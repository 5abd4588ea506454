/** OpsBot as a process of its own, as `npm run start` starts it: what is measured is what its ports tell. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { KillableProcess } from "@glassline/bench/killable-process";
import { freePorts } from "@glassline/bench/ports";
import type { GetIncidentResponse, Incident } from "@glassline/proto/opsbot";
import { OpsBotService } from "@glassline/proto/opsbot";
import type { Client } from "@glassline/proto/rpc";
import { readIdentity } from "@glassline/service/identity";
import { peerClient } from "@glassline/service/peer-client";
import { ensureDevelopmentPki } from "@glassline/service/pki";

import type { IcingaSettings } from "../src/observers/icinga/settings.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const OPERATOR = { role: "operator", instance: "local" } as const;
const RETRY_MS = 25;
const INCIDENTS_MAX = 1_000;
export const PUSH_TOKEN = "what only Icinga knows";

/** A flag without its dashes, and its value; one that comes several times has several. */
export type Words = Readonly<Record<string, string | number | readonly string[]>>;

export interface OpsBotOptions {
  /** Of its own, for its journal and certificates. */
  directory: string;
  words: Words;
  environment?: Readonly<Record<string, string>>;
  /** Known before it starts, where somebody must be told of it. */
  adminPort?: number;
  /** Another program that is an OpsBot. */
  main?: string;
}

export class OpsBotProcess implements AsyncDisposable {
  readonly #words: readonly string[];
  #environment: Readonly<Record<string, string>>;
  /** gRPC. */
  readonly port: number;
  readonly adminUrl: string;
  readonly client: Client<typeof OpsBotService>;
  #process: KillableProcess | undefined;

  private constructor(
    words: readonly string[],
    environment: Readonly<Record<string, string>>,
    port: number,
    adminUrl: string,
    client: Client<typeof OpsBotService>,
  ) {
    this.port = port;
    this.#words = words;
    this.#environment = environment;
    this.adminUrl = adminUrl;
    this.client = client;
  }

  /** Resolves when it is ready. */
  static async start(options: OpsBotOptions): Promise<OpsBotProcess> {
    const { directory, words, environment = {} } = options;
    const pkiDir = join(directory, "pki");
    await ensureDevelopmentPki(pkiDir, [{ role: "opsbot", instance: "opsbot" }, OPERATOR]);
    const [port, otherPort] = await freePorts(2);
    const adminPort = options.adminPort ?? otherPort;
    const own = {
      port: port!,
      "admin-port": adminPort!,
      "pki-dir": pkiDir,
      "data-dir": join(directory, "opsbot"),
      "log-level": "error",
    };
    const client = peerClient(
      OpsBotService,
      { name: "opsbot", host: "localhost", port: port! },
      "opsbot",
      await readIdentity(pkiDir, OPERATOR),
    );
    const opsbot = new OpsBotProcess(
      [options.main ?? MAIN, ...flagsOf({ ...own, ...words })],
      environment,
      port!,
      `http://127.0.0.1:${adminPort}`,
      client,
    );
    await opsbot.restart();
    return opsbot;
  }

  get pid(): number {
    return this.#process!.pid;
  }

  get isRunning(): boolean {
    return this.#process !== undefined && !this.#process.hasEnded;
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.#process!.end("SIGKILL");
  }

  /** After its end, on the same journal. */
  async restart(environment = this.#environment): Promise<void> {
    this.#environment = environment;
    this.#process = new KillableProcess("OpsBot", this.#words, this.#environment);
    await this.#process.ready();
  }

  /** The newest ones. */
  async incidents(openOnly = false): Promise<Incident[]> {
    return (await this.client.listIncidents({ limit: INCIDENTS_MAX, openOnly })).incidents;
  }

  story(id: bigint): Promise<GetIncidentResponse> {
    return this.client.getIncident({ id });
  }

  /** The sum of a metric over those of its series whose labels have this text. */
  async total(metric: string, labels = ""): Promise<number> {
    const text = await (await fetch(`${this.adminUrl}/metrics`)).text();
    const series = text.split("\n").filter((line) => line.startsWith(`glassline_${metric}{`));
    return series
      .filter((line) => line.includes(labels))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    await this.#process?.end("SIGKILL");
  }
}

export function flagsOf(words: Words): string[] {
  return Object.entries(words).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one: string | number) => `--${name}=${one}`),
  );
}

/** Flags and environment of an OpsBot that listens to this Icinga. */
export async function listeningTo(
  { url, nodeName, ca, certificate, key, user, password }: IcingaSettings,
  directory: string,
): Promise<{ words: Words; environment: Readonly<Record<string, string>> }> {
  await mkdir(directory, { recursive: true });
  const files = {
    ca,
    cert: user === "" ? certificate : undefined,
    key: user === "" ? key : undefined,
  };
  const paths: Record<string, string> = {};
  for (const [name, pem] of Object.entries(files)) {
    if (pem === undefined) continue;
    paths[`icinga-${name}`] = join(directory, `icinga-${name}.pem`);
    await writeFile(paths[`icinga-${name}`]!, pem, { mode: 0o600 });
  }
  return {
    words: { icinga: url, "icinga-name": nodeName, ...paths, ...(user && { "icinga-user": user }) },
    environment: {
      GLASSLINE_OPSBOT_ICINGA_PUSH_TOKEN: PUSH_TOKEN,
      ...(user && { GLASSLINE_OPSBOT_ICINGA_PASSWORD: password }),
    },
  };
}

/** Asks until there is an answer. Rejects when that takes too long. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  timeoutMs = 30_000,
  retryMs = RETRY_MS,
): Promise<T> {
  const untilMs = performance.now() + timeoutMs;
  let last: unknown;
  while (performance.now() < untilMs) {
    try {
      const value = await ask();
      if (value !== undefined) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await delay(retryMs);
  }
  throw new Error(`${what}: got nothing in ${timeoutMs} ms`, { cause: last });
}
