/** `npm run bench -w @glassline/stack`: channels from nothing to their viewers, and applied again; a mesh whose keys run out; as lines of JSON. */
import { askedParts } from "@glassline/bench/parts";

import { inOwnNetwork, isInOwnNetwork } from "../src/testing/own-network.ts";
import { measureAgain } from "./again.ts";
import { measureFlow } from "./flow.ts";
import { measureKeySources } from "./key-sources.ts";
import { measureMachineDeath } from "./machine-death.ts";

const PARTS = {
  flow: inside("flow", measureFlow),
  "machine-death": inside("machine-death", measureMachineDeath),
  again: measureAgain,
  "key-sources": measureKeySources,
} as const;
const purpose =
  "Measures how long channels take, and what becomes of a mesh whose keys run out. flow and machine-death need root, icinga2, runc, iproute2 and nftables; key-sources needs root and tcpdump.";
const asked = askedParts("stack", purpose, PARTS);
if (asked) for (const part of asked.parts) await PARTS[part](asked.isQuick);

/** What makes a network of its own is a process of its own there. */
function inside(part: string, measure: (isQuick: boolean) => Promise<void>): typeof measure {
  return async (isQuick) => {
    if (isInOwnNetwork()) return measure(isQuick);
    const more = isQuick ? ["--quick"] : [];
    process.exitCode = await inOwnNetwork(import.meta.filename, [part, ...more]);
  };
}
