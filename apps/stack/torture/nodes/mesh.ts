/** A mesh of real processes, any of which can be killed: two gateways, three relays, and two nodes at a collector. */
import { join } from "node:path";

import type { KillableProcess } from "@glassline/bench/killable-process";
import { freePorts } from "@glassline/bench/ports";
import { ensureDevelopmentPki } from "@glassline/service/pki";

import { startApp } from "../../src/testing/stage-apps.ts";

/** By name, the neighbours that it dials. */
const MESH = {
  "gateway-1": ["relay-1", "relay-2"],
  "gateway-2": ["relay-2", "relay-3"],
  "relay-1": ["relay-2", "exit-1"],
  "relay-2": ["relay-3", "exit-1", "exit-2"],
  "relay-3": ["exit-2"],
  "exit-1": ["exit-2"],
  "exit-2": [],
} as const satisfies Record<string, readonly string[]>;

export type NodeName = keyof typeof MESH;
export const NODES = Object.keys(MESH) as NodeName[];
export const GATEWAYS = NODES.filter((name) => name.startsWith("gateway"));
const AT_ALL = { host: "127.0.0.1", "admin-port": 0, "log-level": "warn" } as const;

export class Mesh implements AsyncDisposable {
  readonly pkiDirectory: string;
  readonly #directory: string;
  readonly #ports: ReadonlyMap<NodeName, number>;
  readonly #links: string;
  readonly #processes = new Map<string, KillableProcess>();
  #collector: { port: number; adminPort: number } | undefined;

  private constructor(
    directory: string,
    pkiDirectory: string,
    links: string,
    ports: ReadonlyMap<NodeName, number>,
  ) {
    [this.#directory, this.pkiDirectory] = [directory, pkiDirectory];
    [this.#links, this.#ports] = [links, ports];
  }

  /** All of them run. */
  static async start(directory: string, links: string): Promise<Mesh> {
    const pki = join(directory, "pki");
    await ensureDevelopmentPki(pki, [
      { role: "collector", instance: "collector" },
      ...NODES.map((instance) => ({ role: "mesh-node" as const, instance })),
    ]);
    const free = await freePorts(NODES.length + 2);
    const ports = new Map(NODES.map((name, at) => [name, free[at + 2]!]));
    const mesh = new Mesh(directory, pki, links, ports);
    try {
      await mesh.#startCollector({ port: free[0]!, adminPort: free[1]! });
      await Promise.all(NODES.map((name) => mesh.startNode(name)));
      return mesh;
    } catch (error) {
      await mesh[Symbol.asyncDispose]();
      throw error;
    }
  }

  get collector(): { port: number; adminPort: number } {
    return this.#collector!;
  }

  portOf(node: NodeName): number {
    return this.#ports.get(node)!;
  }

  /** Resolves when it is ready. */
  async startNode(name: NodeName): Promise<void> {
    const words = {
      ...AT_ALL,
      name,
      port: this.portOf(name),
      links: this.#links,
      "pki-dir": this.pkiDirectory,
      "data-dir": join(this.#directory, name),
      peer: MESH[name].map((peer) => `${peer}=127.0.0.1:${this.portOf(peer)}`),
      ...(name.startsWith("gateway") && { gateway: true as const }),
      ...(name.startsWith("exit") && { collector: `localhost:${this.collector.port}` }),
    };
    this.#processes.set(name, await startApp("mesh-node", words, { launcher: [] }));
  }

  async kill(name: NodeName): Promise<void> {
    await this.#processes.get(name)!.end("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#processes.values()].map((one) => one.end("SIGKILL")));
  }

  async #startCollector(ports: { port: number; adminPort: number }): Promise<void> {
    const words = {
      "pki-dir": this.pkiDirectory,
      "data-dir": join(this.#directory, "collector"),
      port: ports.port,
      "admin-port": ports.adminPort,
      "otlp-grpc-port": 0,
      "otlp-http-port": 0,
      "log-level": "warn",
    };
    this.#processes.set("collector", await startApp("collector", words, { launcher: [] }));
    this.#collector = ports;
  }
}
