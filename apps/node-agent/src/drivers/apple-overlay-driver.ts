/**
 * Segments of a Mac, which has no VXLAN of its own: inside the Linux VM of a container of Apple's `container`, by the same
 * programs as on Linux. Source: https://github.com/apple/container, docs/command-reference.md
 */
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import { containersIn } from "../core/apple-container.ts";
import { markText } from "../core/segment-mark.ts";
import { linuxVxlanDriver } from "./linux-vxlan-driver.ts";
import { networkPrograms } from "./network-programs.ts";
import { output } from "./programs.ts";
import type { SegmentDriver } from "./segment-driver.ts";

/** After a reboot its commands fail for half a minute; a VM starts within a second. */
const TIMEOUT_MS = 20_000;
/** For ever; it is told to end by SIGTERM, which `--init` hands on. */
const NOTHING = ["sleep", "infinity"] as const;
const PROBE = "glprobe";
const probeLine = (port: number) => `link add name ${PROBE} type vxlan id 1 dstport ${port}`;

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
  const name = () => `glassline-overlay-${markText(mark())}`;
  const ask = (words: readonly string[]) => output(cli, words, TIMEOUT_MS);
  const isRunning = async () =>
    containersIn(await ask(["inspect", name()]).catch(() => "[]"))[0]?.status === "running";
  const programs = networkPrograms((program, words) => [
    cli,
    "exec",
    "--interactive",
    name(),
    program,
    ...words,
  ]);
  /** What it has settled is so in one VM: the interfaces of the next one have the same numbers. */
  const newInner = () =>
    linuxVxlanDriver({ ...options, programs, mesh: "the Linux VM of a Mac has none of ours" });
  let inner = newInner();

  const start = async () => {
    // Also one that has ended keeps its name.
    await ask(["delete", "--force", name()]).catch(() => {});
    const where = network === "" ? [] : ["--network", network];
    const words = ["--name", name(), "--detach", "--init", "--cap-add", "NET_ADMIN", ...where];
    await ask(["run", ...words, image, ...NOTHING]);
    inner = newInner();
    await probe();
    // VMs that forward TCP stall with it. Source: issue 2245 of apple/container.
    await ask(["exec", name(), "ethtool", "-K", "eth0", "tso", "off"]);
  };

  /** An upgrade keeps the old kernel, which may be one without VXLAN. */
  const probe = async () => {
    const { failures } = await programs.batch("ip", [
      probeLine(options.port),
      `link delete dev ${PROBE}`,
    ]);
    const [problem] = failures.values();
    if (problem !== undefined)
      throw new Error(`VXLAN in the VM of ${name()}: got "${problem}", expected it in its kernel`);
  };

  const ensure = async () => {
    if (!(await isRunning())) await start();
  };

  return {
    async apply(wishes, inUse) {
      if (wishes.length === 0 && inUse.size === 0) {
        const isThere = await isRunning();
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
  const vxlan = ["ip", ...probeLine(port).split(" ")];
  try {
    await output(cli, ["system", "status"], TIMEOUT_MS);
    await output(cli, ["run", "--rm", "--cap-add", "NET_ADMIN", image, ...vxlan], TIMEOUT_MS);
    return undefined;
  } catch (error) {
    return `${messageOf(error)}; expected Apple's "container" to run, and VXLAN in its kernel`;
  }
}
