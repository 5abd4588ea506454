import type { ConfigOf, Program } from "@glassline/config";
import {
  choice,
  directory,
  duration,
  integer,
  number,
  port,
  recordings,
  toggle,
} from "@glassline/config";
import { LOG_LEVELS } from "@glassline/service/logger";

/** The services use so many ports from the base port on, see plan.ts. */
const PORT_SPAN = 100;

const spec = {
  camera: recordings({
    help: "Recording of a real camera (GoPro MP4 with telemetry), replayed and looped; of NAME=HIGH.mp4,LOW.mp4 each file is a quality.",
  }),
  cameras: integer({ help: "Number of simulated cameras.", default: "200", min: 0, max: 20_000 }),
  interval: duration({
    help: "Time between reports of a simulated camera.",
    default: "1s",
    minMs: 10,
    maxMs: 3_600_000,
  }),
  seed: integer({ help: "Seed of the simulation.", default: "1", min: 0, max: 4_294_967_295 }),
  traceRatio: number({
    help: "Share of reports that are traced.",
    default: "0.005",
    min: 0,
    max: 1,
  }),
  data: directory({
    help: "Folder for data, certificates and logs.",
    default: ".glassline",
  }),
  basePort: integer({
    help: `The dashboard's port; the other services use the ${PORT_SPAN} ports from here on.`,
    default: "7400",
    min: 1_024,
    max: 65_535 - PORT_SPAN,
    placeholder: "PORT",
  }),
  otlpGrpcPort: port({ help: "Port for OTLP over gRPC.", default: "4317" }),
  otlpHttpPort: port({ help: "Port for OTLP over HTTP.", default: "4318" }),
  noQuantum: toggle({
    help: "No key managers: links of the mesh are TLS 1.3 with X25519MLKEM768. Without this they go over UDP, with post-quantum keys and those of three key managers, whose photons are simulated, which adds no security.",
  }),
  noRestart: toggle({ help: "Do not start a service again that has ended by itself." }),
  logLevel: choice({ help: "Least level that services log.", default: "info", of: LOG_LEVELS }),
};

export const program: Program<typeof spec> = {
  name: "stack",
  command: "npm start --",
  purpose:
    "Runs all of Glassline on this machine: cameras, a mesh of three nodes, a collector, an origin, two edge caches, OpsBot, enrolment of phones and the dashboard.",
  environmentPrefix: "GLASSLINE",
  spec,
};

export type StackConfig = ConfigOf<typeof spec>;
