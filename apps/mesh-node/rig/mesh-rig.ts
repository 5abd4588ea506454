/** A mesh of real processes, each in a network namespace of its own. Needs root. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import type { Machine, Underlay } from "@glassline/bench/namespaces/testing";
import { startUnderlay } from "@glassline/bench/namespaces/testing";
import { freePort } from "@glassline/bench/ports";
import { ensureDevelopmentPki } from "@glassline/service/pki";

import { capture } from "./capture.ts";
import type { Pair } from "./medium.ts";
import { Medium } from "./medium.ts";
import type { Told } from "./node.ts";
import { RigNode } from "./rig-node.ts";

const NODE = fileURLToPath(new URL("node.ts", import.meta.url));
const ETHERNET_HEADER_BYTES = 14;
const LOOK_MS = 5;
/** Between packets of a node: so many nodes share few processors. */
const WAVE_MS = 50;
/** For packets that are under way. */
const SETTLE_MS = 500;

export const nameOf = (number: number): string => `node-${number}`;
const numberOf = (name: string): number => Number(name.slice("node-".length));

export class MeshRig implements AsyncDisposable {
  readonly nodes: readonly RigNode[];
  readonly #medium: Medium;
  readonly #underlay: Underlay;
  readonly #stack: AsyncDisposableStack;
  readonly #port: number;

  private constructor(
    nodes: readonly RigNode[],
    medium: Medium,
    underlay: Underlay,
    port: number,
    stack: AsyncDisposableStack,
  ) {
    [this.nodes, this.#medium, this.#underlay] = [nodes, medium, underlay];
    [this.#port, this.#stack] = [port, stack];
  }

  /** All listen; none is joined to another one. @param count of nodes, at most 250. */
  static async start(count: number): Promise<MeshRig> {
    await using stack = new AsyncDisposableStack();
    const directory = await mkdtemp(join(tmpdir(), "glassline-rig-"));
    stack.defer(() => rm(directory, { recursive: true, force: true }));
    const underlay = stack.use(await startUnderlay(count));
    const medium = await Medium.on(underlay);
    const numbers = Array.from({ length: count }, (_, at) => at + 1);
    await ensureDevelopmentPki(
      directory,
      numbers.map((number) => ({ role: "mesh-node", instance: nameOf(number) })),
    );
    const port = await freePort();
    const nodes = numbers.map((number) => {
      const { underlay: host, launcher } = underlay.machines[number - 1]!;
      const words = [`--name=${nameOf(number)}`, `--host=${host}`, `--port=${port}`];
      const flags = [...words, "--links=udp", `--pki-dir=${directory}`, "--log-level=error"];
      return new RigNode(nameOf(number), [NODE, ...flags], launcher);
    });
    for (const node of nodes) stack.use(node);
    await Promise.all(nodes.map((node) => node.start()));
    return new MeshRig(nodes, medium, underlay, port, stack.move());
  }

  /** Joins them; the first of each pair dials the second one. */
  async link(pairs: readonly Pair[]): Promise<void> {
    await this.join(pairs);
    this.dial(pairs);
  }

  dial(pairs: readonly Pair[]): void {
    for (const [from, to] of pairs) {
      const { underlay: host } = this.#machine(to);
      const peer = { name: nameOf(to), host, port: this.#port };
      this.#node(from).obey({ order: "dial", peers: [peer] });
    }
  }

  /** They stay apart for now: nobody tries to link to the other one. */
  leave(pairs: readonly Pair[]): void {
    for (const [from, to] of pairs) this.#node(from).obey({ order: "leave", names: [nameOf(to)] });
  }

  join(pairs: readonly Pair[]): Promise<void> {
    return this.#medium.join(pairs);
  }

  /** Without a word. */
  part(pairs: readonly Pair[]): Promise<void> {
    return this.#medium.part(pairs);
  }

  /** A flow, until it is stopped. */
  flow(from: number, to: number, everyMs: number, bytes = 256): void {
    this.#node(from).obey({ order: "flow", to: nameOf(to), everyMs, bytes });
  }

  stopFlows(): void {
    for (const node of this.nodes) node.obey({ order: "stop-flows" });
  }

  /** What a node has to tell. */
  tell(number: number): Promise<Told> {
    return this.#node(number).tell();
  }

  /** The nodes on the way, by number; it ends early where there is none. */
  async path(from: number, to: number): Promise<number[]> {
    const path = [from];
    for (let at = from; at !== to && path.length <= this.nodes.length; at = path.at(-1)!) {
      const next = (await this.#node(at).ways())[nameOf(to)];
      if (next === undefined) break;
      path.push(numberOf(next));
    }
    return path;
  }

  /**
   * A packet from each to each other one, some at a time; those that do not arrive are sent again, as gateways do. Rejects when one of them does not
   * arrive in time. @returns how many did not arrive at the first time.
   */
  async deliver(timeoutMs: number): Promise<number> {
    const names = this.nodes.map(({ name }) => name);
    const came = names.map(() => new Set<string>());
    await Promise.all(this.nodes.map((node) => node.tell()));
    for (let apart = 1; apart < names.length; apart++) {
      for (const [at, node] of this.nodes.entries())
        node.obey({ order: "probe", to: [names[(at + apart) % names.length]!], bytes: 64 });
      await delay(WAVE_MS);
    }
    const lacking = () => came.reduce((sum, { size }) => sum + names.length - 1 - size, 0);
    await this.#hear(came);
    const lost = lacking();
    for (const untilMs = Date.now() + timeoutMs; lacking() > 0 && Date.now() < untilMs;) {
      for (const [at, node] of this.nodes.entries()) {
        const to = names.filter((name, other) => other !== at && !came[other]!.has(node.name));
        if (to.length > 0) node.obey({ order: "probe", to, bytes: 64 });
      }
      await this.#hear(came);
    }
    if (lacking() > 0) throw new Error(`got no packet of ${lacking()} pairs, expected one of each`);
    return lost;
  }

  /** @param came by node, from whom it has heard. */
  async #hear(came: readonly Set<string>[]): Promise<void> {
    await delay(SETTLE_MS);
    for (const [at, node] of this.nodes.entries())
      for (const { from } of (await node.tell()).arrivals) came[at]!.add(from);
  }

  /** Of a power loss: nobody hears of it. */
  async kill(number: number, pairs: readonly Pair[]): Promise<void> {
    await this.part(pairs.filter((pair) => pair.includes(number)));
    await this.#node(number).kill();
  }

  /** It knows nothing of its life before. */
  async startAgain(number: number, pairs: readonly Pair[]): Promise<void> {
    await this.#node(number).start();
    const own = pairs.filter((pair) => pair.includes(number));
    await this.join(own);
    this.dial(own.filter(([from]) => from === number));
  }

  /** Resolves when each node has a way to each other one. @returns the moment, Unix milliseconds. */
  async complete(timeoutMs: number): Promise<number> {
    const wanted = this.nodes.length - 1;
    const untilMs = Date.now() + timeoutMs;
    for (;;) {
      if (this.nodes.every(({ reach }) => reach.reach === wanted))
        return Math.max(...this.nodes.map(({ reach }) => reach.atMs));
      if (Date.now() > untilMs) throw new Error(`not complete: ${this.#lacking(wanted)}`);
      await delay(LOOK_MS);
    }
  }

  /** @returns ends it, and gives the contents of all datagrams that went over the bridge. */
  capture(): Promise<() => Promise<Buffer[]>> {
    return capture(this.#underlay.launcher, "fabric");
  }

  /** Bytes of IP that all nodes have sent. */
  async sentBytes(): Promise<number> {
    const sent = await Promise.all(this.#underlay.machines.map(ipBytesSent));
    return sent.reduce((sum, bytes) => sum + bytes, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  #lacking(wanted: number): string {
    return this.nodes
      .filter(({ reach }) => reach.reach !== wanted)
      .map(({ name, reach }) => `${name} reaches ${reach.reach} of ${wanted}`)
      .join(", ");
  }

  #node(number: number): RigNode {
    return this.nodes[number - 1]!;
  }

  #machine(number: number): Machine {
    return this.#underlay.machines[number - 1]!;
  }
}

async function ipBytesSent(machine: Machine): Promise<number> {
  const [link] = JSON.parse(await machine.run("ip", "-j", "-s", "link", "show", "dev", "eth0")) as [
    { stats64: { tx: { bytes: number; packets: number } } },
  ];
  const { bytes, packets } = link.stats64.tx;
  return bytes - ETHERNET_HEADER_BYTES * packets;
}
