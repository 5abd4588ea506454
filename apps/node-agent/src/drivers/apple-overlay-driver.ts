/**
 * Segments of a Mac, which has no VXLAN of its own: inside the Linux VM of a container of Apple's `container`, by the same
 * programs as on Linux. Source: https://github.com/apple/container, docs/command-reference.md
 */
import { execFile } from "node:child_process";

import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import { linuxVxlanDriver } from "./linux-vxlan-driver.ts";
import { networkPrograms } from "./network-programs.ts";
import type { SegmentDriver } from "./segment-driver.ts";

/** After a reboot its commands fail for half a minute; a VM starts within a second. */
const TIMEOUT_MS = 20_000;
/** For ever; it is told to end by SIGTERM, which `--init` hands on. */
const NOTHING = ["sleep", "infinity"] as const;
const PROBE = "glprobe";

export interface AppleOverlayOptions {
  /** The program. */
  cli: string;
  /** With iproute2, nftables and ethtool: "glassline/overlay:1". */
  image: string;
  /** One whose addresses the peers reach; empty: the default one. */
  network: string;
  mark: () => number;
  isMarked: () => boolean;
  /** UDP port of VXLAN. */
  port: number;
  logger: Logger;
}

export function appleOverlayDriver(options: AppleOverlayOptions): SegmentDriver {
  const { cli, image, network, mark } = options;
  const name = () => `glassline-overlay-${mark().toString(16).padStart(6, "0")}`;
  const ask = (words: readonly string[]) => askProgram(cli, words);
  const programs = networkPrograms((program, words) => [
    cli,
    "exec",
    "--interactive",
    name(),
    program,
    ...words,
  ]);
  const inner = linuxVxlanDriver({
    ...options,
    programs,
    mesh: "the Linux VM of a Mac has none of ours",
  });

  const start = async () => {
    // Also one that has ended keeps its name.
    await ask(["delete", "--force", name()]).catch(() => {});
    const where = network === "" ? [] : ["--network", network];
    const words = ["--name", name(), "--detach", "--init", "--cap-add", "NET_ADMIN", ...where];
    await ask(["run", ...words, image, ...NOTHING]);
    await probe();
    // VMs that forward TCP stall with it. Source: issue 2245 of apple/container.
    await ask(["exec", name(), "ethtool", "-K", "eth0", "tso", "off"]);
  };

  /** An upgrade keeps the old kernel, which may be one without VXLAN. */
  const probe = async () => {
    const { failures } = await programs.batch("ip", [
      `link add name ${PROBE} type vxlan id 1 dstport ${options.port}`,
      `link delete dev ${PROBE}`,
    ]);
    const [problem] = failures.values();
    if (problem !== undefined)
      throw new Error(`VXLAN in the VM of ${name()}: got "${problem}", expected it in its kernel`);
  };

  const ensure = async () => {
    if (!isRunning(await ask(["inspect", name()]).catch(() => "[]"))) await start();
  };

  return {
    async apply(wishes, inUse) {
      if (wishes.length === 0 && inUse.size === 0) {
        const isThere = isRunning(await ask(["inspect", name()]).catch(() => "[]"));
        if (isThere) await ask(["delete", "--force", name()]);
        const changes = isThere ? 1 : 0;
        return { segments: [], leftovers: [], foreignTunnels: [], isPartial: false, changes };
      }
      await ensure();
      return inner.apply(wishes, inUse);
    },
    // The VM is this agent's own.
    foreignTunnels: () => Promise.resolve([]),
  };
}

/** Tries it in a VM that is gone afterwards. @returns why it cannot be used; undefined: it can. */
export async function lacksAppleContainer(
  cli: string,
  image: string,
  port: number,
): Promise<string | undefined> {
  const vxlan = `ip link add name ${PROBE} type vxlan id 1 dstport ${port}`.split(" ");
  try {
    await askProgram(cli, ["system", "status"]);
    await askProgram(cli, ["run", "--rm", "--cap-add", "NET_ADMIN", image, ...vxlan]);
    return undefined;
  } catch (error) {
    return `${messageOf(error)}; expected Apple's "container" to run, and VXLAN in its kernel`;
  }
}

/** The shape of its JSON changed in June 2026: the status is a text, or an object that has one. */
function isRunning(json: string): boolean {
  const value: unknown = JSON.parse(json.trim() === "" ? "[]" : json);
  const [first] = (Array.isArray(value) ? value : [value]) as { status?: unknown }[];
  const status = first?.status;
  const state =
    typeof status === "object" && status !== null ? (status as { state?: unknown }).state : status;
  return state === "running";
}

/** Rejects when it fails. @returns its output. */
function askProgram(program: string, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      program,
      words,
      { timeout: TIMEOUT_MS, killSignal: "SIGKILL" },
      (error, stdout, stderr) => {
        if (error)
          reject(new Error(`${program} ${words.join(" ")}: ${stderr.trim() || error.message}`));
        else resolve(stdout);
      },
    );
  });
}
