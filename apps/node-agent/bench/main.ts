/** `npm run bench -w @glassline/node-agent`: segments on real VXLAN between network namespaces, as lines of JSON. Needs root. */
import { askedParts } from "@glassline/bench/parts";

import { measureGateway } from "./gateway.ts";
import { measureMove } from "./move.ts";
import { measureSegments } from "./segments.ts";

const PARTS = { segments: measureSegments, move: measureMove, gateway: measureGateway } as const;
const purpose =
  "Measures how soon segments are there, and how soon services and gateways are elsewhere; as root, with iproute2, nftables, ethtool and ping.";
const asked = askedParts("node-agent", purpose, PARTS);
if (asked) for (const part of asked.parts) await PARTS[part](asked.isQuick);
