/** `npm run bench -w @glassline/mesh-node`: how the mesh heals and what it costs, as lines of JSON. */
import { askedParts } from "@glassline/bench/parts";

import { measureMoving } from "./moving.ts";
import { measurePads } from "./pads.ts";
import { measureRelay } from "./relay.ts";
import { measureRig } from "./rig.ts";
import { measureVirtual } from "./virtual.ts";

const PARTS = {
  virtual: measureVirtual,
  pads: measurePads,
  rig: measureRig,
  moving: measureMoving,
  relay: measureRelay,
} as const;
const purpose =
  "Measures the mesh: in virtual time, thousands of nodes in one process; real processes in network namespaces (rig; needs root).";
const asked = askedParts("mesh-node", purpose, PARTS);
if (asked) for (const part of asked.parts) await PARTS[part](asked.isQuick);
