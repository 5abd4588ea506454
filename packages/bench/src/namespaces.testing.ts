/** Machines as network namespaces, on an underlay of their own that has no way out. Needs root. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { describe } from "vitest";

const PROGRAMS = [
  "/usr/sbin/ip",
  "/usr/sbin/nft",
  "/usr/sbin/ethtool",
  "/usr/bin/ping",
  "/usr/bin/setpriv",
];
/** CAP_NET_ADMIN and CAP_SYS_ADMIN, of capabilities(7). */
const CAPABILITIES = [12n, 21n];
const NAMESPACES = "/run/netns";
const UNDERLAY_MTU = 1_500;
const FABRIC_ADDRESS = "100.64.7.254";

/** `describe`, or a visible skip; in CI what is missing fails instead. */
export function describeWithNamespaces(): typeof describe | typeof describe.skip {
  const lacking = lacks();
  if (lacking === undefined) return describe;
  if (process.env["CI"] === "true")
    throw new Error(`network namespaces: ${lacking}; CI must be root, with iproute2 and nftables`);
  describe.skip(`skipped: ${lacking}`, () => {});
  return describe.skip;
}

/** Root in a container may lack what root has. */
function lacks(): string | undefined {
  const missing = PROGRAMS.find((program) => !existsSync(program));
  if (missing !== undefined) return `no ${missing}`;
  const status = readFileSync("/proc/self/status", "utf8");
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)![1]}`);
  return CAPABILITIES.every((bit) => (effective >> bit) & 1n)
    ? undefined
    : "no CAP_NET_ADMIN and CAP_SYS_ADMIN";
}

/** A machine of the underlay. */
export interface Machine {
  namespace: string;
  underlay: string;
  underlay6: string;
  /** What a program is started by, to run in it with all else as it is here: cgroups, too. */
  launcher: readonly string[];
  /** Runs a program in it. Rejects when it fails. @returns its output. */
  run(...words: string[]): Promise<string>;
  /** `ip` with the words of a line. */
  ip(line: string): Promise<string>;
  bridge(line: string): Promise<string>;
  /** Whether one of some packets comes back. @param more of ping's words. */
  reaches(address: string, ...more: string[]): Promise<boolean>;
  /** Packets that came in by an interface. */
  received(device: string): Promise<number>;
  /** As when it has no power: its packets go nowhere, and none comes back. */
  unplug(): Promise<void>;
  plug(): Promise<void>;
}

export interface Underlay extends AsyncDisposable {
  machines: readonly Machine[];
  /** What a program is started by, to stand on what joins the machines, where it reaches all of them. */
  launcher: readonly string[];
  fabricAddress: string;
}

export interface UnderlayOptions {
  /** This process stands on what joins them: it must be in a namespace of its own, as by `unshare --net`. */
  isHere?: boolean;
}

export async function startUnderlay(
  count: number,
  { isHere = false }: UnderlayOptions = {},
): Promise<Underlay> {
  await removeAbandoned();
  const name = `glt${process.pid}-${randomBytes(3).toString("hex")}`;
  const made: string[] = [];
  const dispose = async () => {
    for (const namespace of made.splice(0).toReversed()) await ip(`netns delete ${namespace}`);
  };
  const add = async (namespace: string) => {
    await ip(`netns add ${namespace}`);
    made.push(namespace);
    await ip(`-netns ${namespace} link set lo up`);
    return namespace;
  };
  try {
    const fabric = isHere ? undefined : await add(`${name}-0`);
    const inFabric = (line: string) => ip(fabric ? `-netns ${fabric} ${line}` : line);
    if (isHere) await ip("link set lo up");
    await inFabric("link add fabric up type bridge stp_state 0 forward_delay 0");
    const machines: Machine[] = [];
    for (let number = 1; number <= count; number++) {
      const namespace = await add(`${name}-${number}`);
      const port = `link add port${number} up master fabric mtu ${UNDERLAY_MTU} type veth`;
      await inFabric(`${port} peer name eth0 netns ${namespace}`);
      machines.push(await machineOf(namespace, number));
    }
    await inFabric(`address add ${FABRIC_ADDRESS}/24 dev fabric`);
    return {
      machines,
      launcher: fabric ? launcherOf(fabric) : [],
      fabricAddress: FABRIC_ADDRESS,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

const launcherOf = (namespace: string) => ["nsenter", `--net=${join(NAMESPACES, namespace)}`];

async function machineOf(namespace: string, number: number): Promise<Machine> {
  const run = async (...words: string[]) => {
    const { stdout } = await promisify(execFile)("ip", ["netns", "exec", namespace, ...words]);
    return stdout;
  };
  const machine: Machine = {
    namespace,
    underlay: `100.64.7.${number}`,
    underlay6: `fd64:7::${number}`,
    launcher: launcherOf(namespace),
    run,
    ip: (line) => run("ip", ...line.split(" ")),
    bridge: (line) => run("bridge", ...line.split(" ")),
    reaches: (address, ...more) =>
      run("ping", "-n", "-q", "-c", "4", "-i", "0.1", "-W", "1", ...more, address).then(
        () => true,
        () => false,
      ),
    async received(device) {
      const [link] = JSON.parse(await run("ip", "-j", "-s", "link", "show", "dev", device)) as [
        { stats64: { rx: { packets: number } } },
      ];
      return link.stats64.rx.packets;
    },
    unplug: async () => void (await machine.ip("link set eth0 down")),
    async plug() {
      await machine.ip("link set eth0 up");
      await machine.ip(`address replace ${machine.underlay}/24 dev eth0`);
      // The kernel forgets it when the link goes down.
      await machine.ip(`address replace ${machine.underlay6}/64 dev eth0 nodad`);
    },
  };
  await machine.plug();
  return machine;
}

/** Those of test runs that were killed. */
async function removeAbandoned(): Promise<void> {
  const names = existsSync(NAMESPACES) ? await readdir(NAMESPACES) : [];
  for (const name of names) {
    const owner = /^glt(\d+)-/.exec(name)?.[1];
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) await ip(`netns delete ${name}`);
  }
}

async function ip(line: string): Promise<void> {
  await promisify(execFile)("ip", line.split(" "));
}
