/** babeld (RFC 8966) in network namespaces, with the kernel's own forwarding: what meshes are compared with. Needs root. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

import type { Machine } from "@glassline/bench/namespaces/testing";
import { startUnderlay } from "@glassline/bench/namespaces/testing";

import type { Pair } from "./medium.ts";
import { Medium } from "./medium.ts";

const BABELD = "/usr/sbin/babeld";
/** Routes to a machine's own address go over others. */
const addressOf = (number: number) => `10.99.0.${number}`;
const PROBE_S = 0.01;
const REACH_TIMEOUT_MS = 120_000;
const GONE_MS = { tuned: 8_000, plain: 30_000 } as const;

export const hasBabel = (): boolean => existsSync(BABELD);

export class BabelRig implements AsyncDisposable {
  readonly #machines: readonly Machine[];
  readonly #medium: Medium;
  readonly #isTuned: boolean;
  readonly #running = new Map<number, ChildProcess>();
  readonly #stack: AsyncDisposableStack;

  private constructor(
    machines: readonly Machine[],
    medium: Medium,
    isTuned: boolean,
    stack: AsyncDisposableStack,
  ) {
    [this.#machines, this.#medium] = [machines, medium];
    [this.#isTuned, this.#stack] = [isTuned, stack];
  }

  /** @param isTuned hellos each second instead of each 4, updates each 4 instead of each 16. */
  static async start(count: number, isTuned: boolean): Promise<BabelRig> {
    await using stack = new AsyncDisposableStack();
    const underlay = stack.use(await startUnderlay(count));
    const medium = await Medium.on(underlay);
    const rig = new BabelRig(underlay.machines, medium, isTuned, stack.move());
    for (let number = 1; number <= count; number++) await rig.#start(number);
    return rig;
  }

  join(pairs: readonly Pair[]): Promise<void> {
    return this.#medium.join(pairs);
  }

  /** The longest gap in packets from one to another, while a machine on their way loses its power. */
  async outageMs(from: number, to: number, pairs: readonly Pair[]): Promise<number> {
    await this.#reached(from, to);
    const timesMs: number[] = [];
    const machine = this.#machines[from - 1]!;
    const words = `-n -D -i ${PROBE_S} -I ${addressOf(from)} ${addressOf(to)}`.split(" ");
    const ping = this.#spawn(machine, ["stdbuf", "-oL", "ping", ...words]);
    createInterface({ input: ping.stdout! }).on("line", (line) => {
      const seconds = /^\[([\d.]+)\] \d+ bytes from/.exec(line)?.[1];
      if (seconds !== undefined) timesMs.push(1_000 * Number(seconds));
    });
    await delay(1_000);
    const relay = await this.#nextHop(machine, to);
    const own = pairs.filter((pair) => pair.includes(relay));
    await this.#medium.part(own);
    const before = timesMs.length;
    const goneMs = this.#isTuned ? GONE_MS.tuned : GONE_MS.plain;
    await delay(goneMs);
    const untilMs = Date.now() + goneMs;
    while (timesMs.length < before + 10 && Date.now() < untilMs) await delay(100);
    ping.kill("SIGINT");
    await once(ping, "close");
    await this.#medium.join(own);
    return Math.max(...timesMs.slice(1).map((atMs, at) => atMs - timesMs[at]!));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const babeld of this.#running.values()) babeld.kill("SIGKILL");
    await this.#stack.disposeAsync();
  }

  async #start(number: number): Promise<void> {
    const machine = this.#machines[number - 1]!;
    await machine.ip(`address add ${addressOf(number)}/32 dev lo`);
    await machine.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0");
    await machine.run("sysctl", "-qw", "net.ipv4.conf.eth0.rp_filter=0");
    await machine.run("sysctl", "-qw", "net.ipv4.conf.all.send_redirects=0");
    await machine.run("sysctl", "-qw", "net.ipv4.conf.eth0.send_redirects=0");
    const timers = this.#isTuned ? " hello-interval 1 update-interval 4" : "";
    // Not all machines of the bridge hear each other.
    const lines = [
      `interface eth0 type wired split-horizon false${timers}`,
      "redistribute local ip 10.99.0.0/16 allow",
      "redistribute local deny",
      "skip-kernel-setup true",
    ];
    const configuration = lines.flatMap((line) => ["-C", line]);
    const files = ["-I", `/run/babeld-${machine.namespace}.pid`, "-S", ""];
    this.#running.set(number, this.#spawn(machine, [BABELD, ...files, ...configuration, "eth0"]));
  }

  #spawn(machine: Machine, words: readonly string[]): ChildProcess {
    const [program = "", ...rest] = [...machine.launcher, ...words];
    return spawn(program, rest, { stdio: ["ignore", "pipe", "ignore"] });
  }

  async #reached(from: number, to: number): Promise<void> {
    const untilMs = Date.now() + REACH_TIMEOUT_MS;
    while (!(await this.#machines[from - 1]!.reaches(addressOf(to), "-I", addressOf(from))))
      if (Date.now() > untilMs) throw new Error("babeld: got no way, expected one");
    // Until others are known as well.
    await delay(this.#isTuned ? 8_000 : 20_000);
  }

  async #nextHop(machine: Machine, to: number): Promise<number> {
    const [route] = JSON.parse(await machine.run("ip", "-j", "route", "get", addressOf(to))) as [
      { gateway: string },
    ];
    return Number(route.gateway.split(".").at(-1));
  }
}
