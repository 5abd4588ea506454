import type { ConfigOf, Program } from "@glassline/config";
import { bytes, duration, integer, list, port, text, urls } from "@glassline/config";
import { commonOptions } from "@glassline/service/options";

const spec = {
  name: text({ help: "Name of this edge, as in its certificate.", default: "edge-1" }),
  port: port({ help: "HTTP for viewers.", default: "7471" }),
  grpcPort: port({ help: "gRPC with client certificates: administration.", default: "7481" }),
  ...commonOptions("7491"),
  origin: text({
    help: "Where objects come from: http://HOST:PORT, or https:// for an origin of this network.",
    default: "https://localhost:7450",
    placeholder: "URL",
  }),
  publicUrl: text({
    help: "How viewers reach this edge. Empty: http://localhost and the port.",
    default: "",
    placeholder: "URL",
  }),
  peer: urls({ help: "Another edge with the same channels, as viewers reach it." }),
  allowedOrigin: list({
    help: "Origin of a page that may play from here, such as http://localhost:7400.",
    placeholder: "ORIGIN",
  }),
  memory: bytes({
    help: "Size of the store; objects used least lately go first.",
    default: "256MiB",
    minBytes: 1_048_576,
  }),
  connections: integer({
    help: "Connections of viewers at a time; further ones are closed at once.",
    default: "10000",
    min: 1,
    max: 1_000_000,
  }),
  steeringTtl: duration({
    help: "After this time players ask again which edge to use.",
    default: "5s",
    minMs: 1_000,
    maxMs: 3_600_000,
  }),
  adminToken: text({
    help: "Shown by those who purge and prime. Empty: nobody may.",
    default: "",
    placeholder: "TOKEN",
  }),
  instanceId: text({
    help: "Told in the status, so that a node-agent knows its child again.",
    default: "",
    placeholder: "ID",
  }),
};

export const program: Program<typeof spec> = {
  name: "edge-cache",
  command: "npm run start -w @glassline/edge-cache --",
  purpose:
    "Serves live channels to viewers from memory, and fetches each object from the origin once.",
  environmentPrefix: "GLASSLINE_EDGE_CACHE",
  spec,
};

export type EdgeCacheConfig = ConfigOf<typeof spec>;
