import type { ConfigOf, Program } from "@glassline/config";
import { bytes, duration, integer, port, recordings, text } from "@glassline/config";
import { commonOptions } from "@glassline/service/options";

const spec = {
  name: text({ help: "Name of this origin, as in its certificate.", default: "origin" }),
  port: port({
    help: "HTTPS: channels for edges (client certificate), pushed streams (key).",
    default: "7450",
  }),
  grpcPort: port({ help: "gRPC with client certificates: status.", default: "7451" }),
  ...commonOptions("7452"),
  camera: recordings({
    help: "Recording that becomes a live channel, looped; of NAME=HIGH.mp4,LOW.mp4 each file is a quality, the best first.",
  }),
  testCard: text({
    help: "Camera that shows the test card. Empty: no test card.",
    default: "cam-0001",
    placeholder: "CAMERA",
    orNone: true,
  }),
  segment: duration({
    help: "Length of a segment; cuts are made at the nearest keyframes.",
    default: "2s",
    minMs: 500,
    maxMs: 20_000,
  }),
  part: duration({
    help: "Length of a part, for players of low latency; cuts are made at the nearest frames. 0: no low latency.",
    default: "500ms",
    minMs: 100,
    maxMs: 5_000,
    orNone: true,
  }),
  pushKey: text({
    help: "Key that encoders show to push streams. Empty: nobody may push.",
    default: "",
    placeholder: "KEY",
  }),
  pushChannels: integer({ help: "Pushed channels at a time.", default: "16", min: 0, max: 10_000 }),
  pushMemory: bytes({
    help: "What a pushed channel may hold; more is refused.",
    default: "128MiB",
    minBytes: 1_048_576,
  }),
};

export const program: Program<typeof spec> = {
  name: "origin",
  command: "npm run start -w @glassline/origin --",
  purpose: "Makes live HLS channels out of recordings and of streams that encoders push.",
  environmentPrefix: "GLASSLINE_ORIGIN",
  spec,
};

export type OriginConfig = ConfigOf<typeof spec>;
