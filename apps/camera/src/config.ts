import type { ConfigOf, Program } from "@glassline/config";
import { duration, integer, number, recordings, text } from "@glassline/config";
import { commonOptions } from "@glassline/service/options";

const spec = {
  name: text({ help: "Name of this agent, as in its certificate.", default: "agent-1" }),
  gateway: text({
    help: "Address of the gateway.",
    default: "localhost:7421",
    placeholder: "HOST:PORT",
  }),
  camera: recordings({
    help: "Recording of a GoPro (MP4 with telemetry), replayed and looped; of NAME=HIGH.mp4,LOW.mp4 the first is read.",
  }),
  cameras: integer({ help: "Number of simulated cameras.", default: "0", min: 0, max: 20_000 }),
  idPrefix: text({
    help: "What the ids of simulated cameras begin with; agents need different ones.",
    default: "cam-",
  }),
  seed: integer({ help: "Seed of the simulation.", default: "1", min: 0, max: 4_294_967_295 }),
  interval: duration({
    help: "Time between reports of a simulated camera.",
    default: "1s",
    minMs: 10,
    maxMs: 3_600_000,
  }),
  traceRatio: number({
    help: "Share of reports that are traced.",
    default: "0.005",
    min: 0,
    max: 1,
  }),
  bufferReports: integer({
    help: "Reports that may wait for the gateway; more are dropped and counted.",
    default: "20000",
    min: 1,
    max: 10_000_000,
  }),
  ...commonOptions("7440"),
};

export const program: Program<typeof spec> = {
  name: "camera",
  command: "npm run start -w @glassline/camera --",
  purpose:
    "Sends what cameras measure to their gateway: recordings of real cameras, and a simulated fleet.",
  environmentPrefix: "GLASSLINE_CAMERA",
  spec,
};

export type CameraConfig = ConfigOf<typeof spec>;
