/** `npm run bench -w @glassline/mesh-node`: how the mesh heals and what it costs, as lines of JSON. */
import { askedParts } from "@glassline/bench/parts";

import { measureVirtual } from "./virtual.ts";

const PARTS = { virtual: measureVirtual } as const;
const purpose = "Measures the mesh: in virtual time, thousands of nodes in one process.";
const asked = askedParts("mesh-node", purpose, PARTS);
if (asked) for (const part of asked.parts) await PARTS[part](asked.isQuick);
