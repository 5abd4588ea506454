/** Which way of making segments this machine has. */
import { join } from "node:path";

import type { AppDeps } from "@glassline/service/app";
import { OperatorError } from "@glassline/service/errors";

import type { NodeAgentConfig } from "./config.ts";
import { MARKS, markText } from "./core/segment-mark.ts";
import type { AppleOverlayOptions } from "./drivers/apple-overlay-driver.ts";
import { appleOverlayDriver, lacksAppleContainer } from "./drivers/apple-overlay-driver.ts";
import { linuxVxlanDriver } from "./drivers/linux-vxlan-driver.ts";
import { lacksNetworkAdministration, networkPrograms } from "./drivers/network-programs.ts";
import { noSegmentsDriver } from "./drivers/no-segments-driver.ts";
import type { SegmentDriver } from "./drivers/segment-driver.ts";
import { lacksWireGuard, wireGuard } from "./drivers/wireguard.ts";
import type { StateStore } from "./stores/state-store.ts";
import { wireGuardKey } from "./stores/wireguard-key.ts";

const APPLE_CONTAINER = "container";

export interface ChosenSegmentDriver {
  segmentDriver: SegmentDriver;
  /** Base64; undefined: this machine has no WireGuard. */
  wireguardPublicKey?: string;
}

/** Throws OperatorError. */
export async function segmentDriverOf(
  config: NodeAgentConfig,
  store: StateStore,
  { random, logger }: AppDeps,
): Promise<ChosenSegmentDriver> {
  const { segments, segmentPort, segmentNetns } = config;
  const none = (why: string) => ({ segmentDriver: noSegmentsDriver(why) });
  if (segments === "none") return none("this agent runs with --segments none");
  const mark = () => {
    const known = store.segmentMark();
    if (known !== undefined) return known;
    const chosen = Math.floor(random() * MARKS);
    store.setSegmentMark(chosen);
    return chosen;
  };
  const own = {
    mark,
    isMarked: () => store.segmentMark() !== undefined,
    port: segmentPort,
    logger,
  };
  if (segments === "apple") return { segmentDriver: await appleDriverOf(config, own) };
  const lacking = await lacksNetworkAdministration();
  if (lacking !== undefined && segments === "linux")
    throw new OperatorError(`--segments linux: ${lacking}`);
  if (lacking !== undefined) return none(`this machine cannot have any: ${lacking}`);
  const programs = networkPrograms(segmentNetns);
  const mesh = (await lacksWireGuard(programs)) ?? meshOf(config, programs, mark);
  const segmentDriver = linuxVxlanDriver({ ...own, programs, mesh });
  return typeof mesh === "string"
    ? { segmentDriver }
    : { segmentDriver, wireguardPublicKey: mesh.publicKey };
}

async function appleDriverOf(
  { segmentImage, segmentNetwork }: NodeAgentConfig,
  own: Omit<AppleOverlayOptions, "cli" | "image" | "network">,
): Promise<SegmentDriver> {
  const lacking =
    segmentImage === ""
      ? "got no --segment-image, expected that of a Linux with iproute2"
      : await lacksAppleContainer(APPLE_CONTAINER, segmentImage, own.port);
  if (lacking !== undefined) throw new OperatorError(`--segments apple: ${lacking}`);
  const network = segmentNetwork;
  return appleOverlayDriver({ ...own, cli: APPLE_CONTAINER, image: segmentImage, network });
}

function meshOf(
  { dataDir, wireguardPort }: NodeAgentConfig,
  programs: ReturnType<typeof networkPrograms>,
  mark: () => number,
) {
  return wireGuard({
    programs,
    key: wireGuardKey(dataDir),
    name: () => `glw${markText(mark())}`,
    port: wireguardPort,
    file: join(dataDir, "wireguard.conf"),
  });
}
