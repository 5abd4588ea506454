/**
 * A network to deploy channels on: an origin, OpsBot, node-agents and, if wished, enrolment and Icinga2, each a process of its own. With
 * `namespaces` each machine is a network namespace on an underlay that has no way out, and OpsBot stands on its bridge. Needs root then.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { KillableProcess } from "@glassline/bench/killable-process";
import type { Underlay } from "@glassline/bench/namespaces/testing";
import { startUnderlay } from "@glassline/bench/namespaces/testing";
import { OpsBotService } from "@glassline/proto/opsbot";
import type { Client } from "@glassline/proto/rpc";
import type { Identity, PeerName } from "@glassline/service/identity";
import { identityFiles, readIdentity } from "@glassline/service/identity";
import { peerClient } from "@glassline/service/peer-client";
import { ensureDevelopmentPki } from "@glassline/service/pki";

import { ROOT_DIRECTORY } from "../page.ts";
import type { Icinga } from "./icinga.ts";
import { freePorts } from "@glassline/bench/ports";
import { icingaWords, startShippedIcinga } from "./shipped-icinga.ts";
import type { Told, Words } from "./stage-apps.ts";
import { run, startApp } from "./stage-apps.ts";

const EDGE_TOKEN = "a-token-of-this-test";
const OPERATOR: PeerName = { role: "operator", instance: "local" };
/** Whose certificate, for localhost, viewers are shown. */
const VIEWERS: PeerName = { role: "edge-cache", instance: "viewers" };
/** Of each machine in its own namespace; without namespaces all are on one. */
const AGENT_PORT = 7_460;
const EDGE_PORTS = "7600-7699";
export const CHANNEL_PATH = "/live/cam-0001/index.m3u8";
const COMMAND = join(ROOT_DIRECTORY, "apps/opsbot/src/command-main.ts");

const OPSBOT: PeerName = { role: "opsbot", instance: "opsbot" };
/** Than the usual OpsBot. */
interface Other {
  env?: Readonly<Record<string, string>>;
  main?: string;
}

export interface StageOptions {
  machines: number;
  /** "here": this process stands on the bridge, too, and must be in a namespace of its own. */
  namespaces?: "here" | "apart";
  /** By machine, from 1. */
  sites?: readonly string[];
  enrolment?: boolean;
  /** A real one with what is shipped for it; not with namespaces that are apart. */
  icinga?: { checkInterval: "2s" | "60s" };
  /** One node-agent stands for all machines. */
  oneAgent?: boolean;
  /** TCP ports that edges of an agent may have, where all are on one machine. */
  ports?: number;
  /** Edges show viewers a certificate of the stage's own authority. */
  viewerTls?: boolean;
  /** More of OpsBot's flags. */
  opsbot?: Words;
}

/** A node-agent, and where it is asked. */
export interface Agent {
  process: KillableProcess;
  endpoint: { name: string; host: string; port: number };
}

export class DeploymentStage implements AsyncDisposable {
  readonly directory: string;
  readonly pkiDir: string;
  #stack: AsyncDisposableStack;
  readonly #options: StageOptions;
  readonly underlay: Underlay | undefined;
  /** By machine. */
  readonly agents = new Map<string, Agent>();
  #icinga: Icinga | undefined;
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
    const isHere = options.namespaces === "here";
    const underlay = options.namespaces
      ? stack.use(await startUnderlay(options.machines, { isHere }))
      : undefined;
    const stage = new DeploymentStage(directory, options, underlay, stack);
    await stage.#start();
    stage.#stack = stack.move();
    return stage;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }

  get #launcher(): readonly string[] {
    return this.underlay?.launcher ?? [];
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
    return run([...this.#launcher, ...all]);
  }

  /** channel.yaml in the stage's folder. @returns its path. */
  async describe(name: string, yaml: string): Promise<string> {
    const file = join(this.directory, `${name}.yaml`);
    await writeFile(file, yaml);
    return file;
  }

  /** Another program that is an OpsBot may be `main`: a path from the repository's root. */
  async startOpsBot({ env = {}, main = "" }: Other = {}): Promise<KillableProcess> {
    this.#opsbot = await startApp("opsbot", this.#opsbotWords, {
      launcher: this.#launcher,
      env: { GLASSLINE_OPSBOT_EDGE_TOKEN: EDGE_TOKEN, ...this.#trusted(), ...env },
      main,
    });
    return this.#opsbot;
  }

  /** Of OpsBot, for operators. Not with namespaces that are apart. */
  async client(): Promise<Client<typeof OpsBotService>> {
    const endpoint = { name: "opsbot", host: "localhost", port: this.#opsbotPort };
    return peerClient(OpsBotService, endpoint, "opsbot", await this.issue(OPERATOR));
  }

  get icinga(): Icinga {
    return this.#icinga!;
  }

  /** As when it loses its power: everything on it ends in one moment, and nobody hears of it. Only with namespaces. */
  async killMachine(machine: string): Promise<void> {
    const { namespace, unplug } = this.underlay!.machines[numberOf(machine) - 1]!;
    await unplug();
    const { output } = await run(["ip", "netns", "pids", namespace]);
    for (const pid of output.split("\n").filter((line) => line !== ""))
      process.kill(Number(pid), "SIGKILL");
    await this.agents.get(machine)!.process.end("SIGKILL");
  }

  /** The node-agent of a machine that was killed, on what it left. */
  async startAgain(machine: string): Promise<void> {
    const at = numberOf(machine) - 1;
    await this.underlay!.machines[at]!.plug();
    await this.#startAgent(at);
  }

  async issue(name: PeerName): Promise<Identity> {
    await ensureDevelopmentPki(this.pkiDir, [name]);
    return readIdentity(this.pkiDir, name);
  }

  get opsbot(): KillableProcess {
    return this.#opsbot!;
  }

  async #start(): Promise<void> {
    const { machines, enrolment, icinga, oneAgent } = this.#options;
    const places = Array.from({ length: oneAgent ? 1 : machines }, (_, at) => at);
    const names: PeerName[] = [
      { role: "origin", instance: "origin" },
      OPSBOT,
      ...places.map((at): PeerName => ({ role: "node-agent", instance: agentAt(at) })),
      ...(enrolment ? [{ role: "enrolment", instance: "enrolment" } as const] : []),
      OPERATOR,
      VIEWERS,
    ];
    await ensureDevelopmentPki(this.pkiDir, names);
    const ports = await freePorts(9);
    const [origin, originGrpc, originAdmin, opsbot, opsbotAdmin, ...rest] = ports;
    const common = { "pki-dir": this.pkiDir, "log-level": "info" };
    const launcher = this.#launcher;
    const anywhere = this.underlay ? { host: "0.0.0.0" } : {};
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
        { launcher },
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
          { launcher },
        ),
      );
    const endpoints: string[] = [];
    for (const at of places) endpoints.push(await this.#startAgent(at));
    if (icinga)
      this.#icinga = this.#stack.use(
        await startShippedIcinga({
          ...icinga,
          directory: this.directory,
          pkiDir: this.pkiDir,
          issue: (name) => this.issue(name),
        }),
      );
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
      ...(this.#icinga && icingaWords(this.#icinga, this.pkiDir, OPSBOT)),
      ...this.#options.opsbot,
    };
    await this.startOpsBot();
    this.#stack.defer(async () => void (await this.#opsbot?.end("SIGTERM")));
  }

  /** @returns its endpoint. */
  async #startAgent(at: number): Promise<string> {
    const name = agentAt(at);
    const machine = this.underlay?.machines[at];
    const { ports = 100 } = this.#options;
    const [port, adminPort, firstPort] = machine
      ? [AGENT_PORT, AGENT_PORT + 1, undefined]
      : await freePorts(2 + ports);
    const dataDir = join(this.directory, name);
    const { machines, oneAgent } = this.#options;
    await mkdir(dataDir, { recursive: true });
    const viewers = identityFiles(this.pkiDir, VIEWERS);
    const words: Words = {
      name,
      port,
      "pki-dir": this.pkiDir,
      "log-level": "info",
      "admin-port": adminPort,
      machine: oneAgent
        ? Array.from({ length: machines }, (_, each) => machineAt(each))
        : machineAt(at),
      "data-dir": dataDir,
      "edge-drain": 0,
      "edge-ports": firstPort ? `${firstPort}-${firstPort + ports - 1}` : EDGE_PORTS,
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
      launcher: machine?.launcher ?? [],
      env: { GLASSLINE_NODE_AGENT_EDGE_TOKEN: EDGE_TOKEN, ...this.#trusted() },
    });
    const endpoint = { name, host: machine?.underlay ?? "localhost", port };
    this.agents.set(machineAt(at), { process: agent, endpoint });
    this.#use(agent);
    return `${name}=${endpoint.host}:${port}`;
  }

  /** Who fetches as viewers do knows the authority. */
  #trusted(): Record<string, string> {
    return this.#options.viewerTls ? { NODE_EXTRA_CA_CERTS: join(this.pkiDir, "ca.pem") } : {};
  }

  #use(app: KillableProcess): void {
    this.#stack.defer(async () => void (await app.end("SIGTERM")));
  }
}

const agentAt = (at: number) => `agent-${at + 1}`;
const machineAt = (at: number) => `machine-${at + 1}`;
const numberOf = (machine: string) => Number(machine.split("-").at(-1));
