/**
 * A network to deploy channels on: an origin, OpsBot, node-agents and, if wished, Icinga2, each a process of its own. With `namespaces` each
 * machine is a network namespace on an underlay that has no way out, and OpsBot stands on its bridge. Needs root then.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { KillableProcess } from "@glassline/bench/killable-process";
import type { Underlay } from "@glassline/node-agent/namespaces/testing";
import { startUnderlay } from "@glassline/node-agent/namespaces/testing";
import type { Identity, PeerName } from "@glassline/service/identity";
import { identityFiles, readIdentity } from "@glassline/service/identity";
import { ensureDevelopmentPki } from "@glassline/service/pki";

import { ROOT_DIRECTORY } from "../page.ts";
import { flags } from "../plan.ts";
import { freePort } from "./programs.ts";

type Words = Parameters<typeof flags>[0];

const EDGE_TOKEN = "a-token-of-this-test";
const OPERATOR: PeerName = { role: "operator", instance: "local" };
/** Whose certificate, for localhost, viewers are shown. */
const VIEWERS: PeerName = { role: "edge-cache", instance: "viewers" };
/** Of each machine in its own namespace; without namespaces all are on one. */
const AGENT_PORT = 7_460;
const EDGE_PORTS = "7600-7699";
export const CHANNEL_PATH = "/live/cam-0001/index.m3u8";
const COMMAND = join(ROOT_DIRECTORY, "apps/opsbot/src/command-main.ts");

export interface StageOptions {
  machines: number;
  namespaces?: boolean;
  /** By machine, from 1. */
  sites?: readonly string[];
  enrolment?: boolean;
  /** Edges show viewers a certificate of the stage's own authority. */
  viewerTls?: boolean;
  /** More of OpsBot's flags. */
  opsbot?: Words;
}

export interface Told {
  code: number;
  output: string;
}

export class DeploymentStage implements AsyncDisposable {
  readonly directory: string;
  readonly pkiDir: string;
  #stack: AsyncDisposableStack;
  readonly #options: StageOptions;
  readonly underlay: Underlay | undefined;
  readonly agents = new Map<string, KillableProcess>();
  #opsbot: KillableProcess | undefined;
  #opsbotWords: Words = {};
  #opsbotPort = 0;

  private constructor(
    directory: string,
    options: StageOptions,
    underlay: Underlay | undefined,
    stack: AsyncDisposableStack,
  ) {
    this.directory = directory;
    this.pkiDir = join(directory, "pki");
    this.underlay = underlay;
    this.#options = options;
    this.#stack = stack;
  }

  static async start(options: StageOptions): Promise<DeploymentStage> {
    await using stack = new AsyncDisposableStack();
    const directory = await mkdtemp(join(tmpdir(), "glassline-deploy-"));
    stack.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 10 }));
    const underlay = options.namespaces
      ? stack.use(await startUnderlay(options.machines))
      : undefined;
    const stage = new DeploymentStage(directory, options, underlay, stack);
    await stage.#start();
    stage.#stack = stack.move();
    return stage;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }

  get namespace(): string | undefined {
    return this.underlay?.fabric;
  }

  /** Runs `glassline-opsbot` as people do. */
  async command(...words: string[]): Promise<Told> {
    const all = [
      process.execPath,
      COMMAND,
      ...words,
      `--opsbot=localhost:${this.#opsbotPort}`,
      `--pki-dir=${this.pkiDir}`,
    ];
    return run([...launcherOf(this.namespace), ...all]);
  }

  /** channel.yaml in the stage's folder. @returns its path. */
  async describe(name: string, yaml: string): Promise<string> {
    const file = join(this.directory, `${name}.yaml`);
    await writeFile(file, yaml);
    return file;
  }

  async startOpsBot(more: Words = {}): Promise<KillableProcess> {
    this.#opsbot = await startApp(
      "opsbot",
      { ...this.#opsbotWords, ...more },
      {
        namespace: this.namespace,
        env: { GLASSLINE_OPSBOT_EDGE_TOKEN: EDGE_TOKEN, ...this.#trusted() },
      },
    );
    return this.#opsbot;
  }

  async issue(name: PeerName): Promise<Identity> {
    await ensureDevelopmentPki(this.pkiDir, [name]);
    return readIdentity(this.pkiDir, name);
  }

  get opsbot(): KillableProcess {
    return this.#opsbot!;
  }

  async #start(): Promise<void> {
    const { machines, enrolment } = this.#options;
    const agents = Array.from({ length: machines }, (_, at) => `agent-${at + 1}`);
    const names: PeerName[] = [
      { role: "origin", instance: "origin" },
      { role: "opsbot", instance: "opsbot" },
      ...agents.map((instance): PeerName => ({ role: "node-agent", instance })),
      ...(enrolment ? [{ role: "enrolment", instance: "enrolment" } as const] : []),
      OPERATOR,
      VIEWERS,
    ];
    await ensureDevelopmentPki(this.pkiDir, names);
    const ports = await Promise.all(Array.from({ length: 9 }, () => freePort()));
    const [origin, originGrpc, originAdmin, opsbot, opsbotAdmin, ...rest] = ports as number[];
    const common = { "pki-dir": this.pkiDir, "log-level": "info" };
    const namespace = this.namespace;
    const anywhere = namespace === undefined ? {} : { host: "0.0.0.0" };
    this.#use(
      await startApp(
        "origin",
        {
          ...common,
          ...anywhere,
          name: "origin",
          port: origin!,
          "grpc-port": originGrpc!,
          "admin-port": originAdmin!,
          "test-card": "cam-0001",
        },
        { namespace },
      ),
    );
    if (enrolment)
      this.#use(
        await startApp(
          "enrolment",
          {
            ...common,
            name: "enrolment",
            port: rest[0]!,
            "admin-port": rest[1]!,
            "public-port": rest[2]!,
            "data-dir": join(this.directory, "enrolment"),
          },
          { namespace },
        ),
      );
    const endpoints: string[] = [];
    for (const [at, agent] of agents.entries()) endpoints.push(await this.#startAgent(at, agent));
    this.#opsbotPort = opsbot!;
    this.#opsbotWords = {
      ...common,
      port: opsbot!,
      "admin-port": opsbotAdmin!,
      "data-dir": join(this.directory, "opsbot"),
      "node-agent": endpoints,
      origin: `origin=localhost:${originGrpc}`,
      "deploy-origin": `origin=https://${this.underlay?.fabricAddress ?? "localhost"}:${origin}`,
      ...(enrolment && { enrolment: `enrolment=localhost:${rest[0]}` }),
      ...this.#options.opsbot,
    };
    await this.startOpsBot();
    this.#stack.defer(async () => void (await this.#opsbot?.end("SIGTERM")));
  }

  /** @returns its endpoint. */
  async #startAgent(at: number, name: string): Promise<string> {
    const machine = this.underlay?.machines[at];
    const [port, adminPort, firstPort] = machine
      ? [AGENT_PORT, AGENT_PORT + 1, undefined]
      : [await freePort(), await freePort(), 21_000 + 100 * Math.floor(Math.random() * 100)];
    const dataDir = join(this.directory, name);
    await mkdir(dataDir, { recursive: true });
    const viewers = identityFiles(this.pkiDir, VIEWERS);
    const words: Words = {
      name,
      port,
      "pki-dir": this.pkiDir,
      "log-level": "info",
      "admin-port": adminPort,
      machine: `machine-${at + 1}`,
      "data-dir": dataDir,
      "edge-drain": 0,
      "edge-ports": firstPort ? `${firstPort}-${firstPort + 99}` : EDGE_PORTS,
      site: this.#options.sites?.[at] ?? "site-a",
      ...(machine && {
        host: machine.underlay,
        "underlay-address": machine.underlay,
        "public-host": machine.underlay,
        "edge-host": machine.underlay,
      }),
      ...(this.#options.viewerTls && {
        "viewer-cert": viewers.certificate,
        "viewer-key": viewers.privateKey,
      }),
    };
    const agent = await startApp("node-agent", words, {
      namespace: machine?.namespace,
      env: { GLASSLINE_NODE_AGENT_EDGE_TOKEN: EDGE_TOKEN, ...this.#trusted() },
    });
    this.agents.set(`machine-${at + 1}`, agent);
    this.#use(agent);
    return `${name}=${machine?.underlay ?? "localhost"}:${port}`;
  }

  /** Who fetches as viewers do knows the authority. */
  #trusted(): Record<string, string> {
    return this.#options.viewerTls ? { NODE_EXTRA_CA_CERTS: join(this.pkiDir, "ca.pem") } : {};
  }

  #use(app: KillableProcess): void {
    this.#stack.defer(async () => void (await app.end("SIGTERM")));
  }
}

interface Surroundings {
  /** Of ip-netns(8); undefined: that of the test. */
  namespace?: string | undefined;
  env?: Readonly<Record<string, string>>;
}

/** Resolves when it is ready. */
async function startApp(
  app: string,
  words: Words,
  { namespace, env = {} }: Surroundings,
): Promise<KillableProcess> {
  const main = join(ROOT_DIRECTORY, "apps", app, "src/main.ts");
  const started = new KillableProcess(app, [main, ...flags(words)], env, launcherOf(namespace));
  try {
    await started.ready();
    return started;
  } catch (error) {
    await started.end("SIGKILL");
    throw error;
  }
}

const launcherOf = (namespace: string | undefined) =>
  namespace === undefined ? [] : ["ip", "netns", "exec", namespace];

export async function run([program = "", ...words]: readonly string[]): Promise<Told> {
  const { promise, resolve } = Promise.withResolvers<Told>();
  execFile(program, words, { maxBuffer: 10_000_000 }, (error, stdout, stderr) => {
    const code = error ? (typeof error.code === "number" ? error.code : -1) : 0;
    resolve({ code, output: stdout + stderr });
  }).stdin?.end();
  return promise;
}
