import type { ConfigOf, Program } from "@glassline/config";
import {
  bytes,
  choice,
  directory,
  duration,
  endpoints,
  file,
  integer,
  list,
  number,
  port,
  text,
} from "@glassline/config";
import { PRESETS } from "@glassline/quantum/physics/presets";
import type { PresetName } from "@glassline/quantum/physics/presets";
import { commonOptions } from "@glassline/service/options";

const spec = {
  name: text({
    help: "Name of this key manager (KME ID), as in its certificate.",
    default: "kme-1",
  }),
  port: port({
    help: "HTTPS with client certificates: keys for SAEs, by ETSI GS QKD 014.",
    default: "7441",
  }),
  grpcPort: port({
    help: "gRPC with client certificates: quantum links, status.",
    default: "7442",
  }),
  ...commonOptions("7443"),
  peer: endpoints({
    help: "Key manager to whom this one keeps a quantum link, and sends the light; the other end need not name this one.",
  }),
  sae: list({
    help: "Who may ask for keys (SAE ID, as in its certificate), and at which key manager.",
    placeholder: "SAE=KME",
  }),
  secretDir: directory({
    help: "Folder with a file for each quantum link, kme-1+kme-2.secret, the same at both ends: 32 random bytes or more. Empty: --pki-dir. With a development CA they are made.",
    default: "",
  }),
  link: choice({
    help: "Simulated link to each peer; the end that sends the light decides.",
    default: "metro",
    of: Object.keys(PRESETS) as [PresetName, ...PresetName[]],
  }),
  protocol: choice({
    help: "How keys are made: by pulses with decoy states (BB84), or by entangled pairs (E91); the end that sends the light decides.",
    default: "bb84",
    of: ["bb84", "e91"],
  }),
  repeaters: file({
    help: "Of e91: JSON that describes links of entangled pairs, and repeaters that join them (README.md); the way that gives most key is taken. Empty: pairs over a fibre of --length-km.",
    default: "",
  }),
  fidelity: number({
    help: "Of e91 without repeaters: of the pairs that arrive.",
    default: "0.98",
    min: 0.25,
    max: 1,
  }),
  lengthKm: number({
    help: "Of the simulated fibre. 0: that of --link.",
    default: "0",
    min: 0,
    max: 1_000,
  }),
  eavesdropper: number({
    help: "Share of the photons that somebody measures on the way, in the simulation.",
    default: "0",
    min: 0,
    max: 1,
  }),
  frame: integer({
    help: "Pulses of a frame.",
    default: "262144",
    min: 1_024,
    max: 16_777_216,
  }),
  frameInterval: duration({
    help: "Between two frames.",
    default: "250ms",
    minMs: 1,
    maxMs: 86_400_000,
  }),
  block: integer({
    help: "Sifted bits that are made into a key at once, at least: the more, the surer what an eavesdropper can know.",
    default: "40000",
    min: 1_000,
    max: 4_000_000,
  }),
  store: bytes({
    help: "Secret bytes that are kept of each link; the light rests when there are so many.",
    default: "64KiB",
    minBytes: 64,
  }),
  keySize: integer({
    help: "Bits of a key for whom names no size.",
    default: "256",
    min: 8,
    max: 8_192,
  }),
  waitingKeys: integer({
    help: "Keys that may wait for their second SAE.",
    default: "10000",
    min: 1,
    max: 1_000_000,
  }),
  waitingTime: duration({
    help: "How long they do.",
    default: "10m",
    minMs: 1_000,
    maxMs: 86_400_000,
  }),
};

export const program: Program<typeof spec> = {
  name: "kme",
  command: "npm run start -w @glassline/kme --",
  purpose:
    "Gives mesh nodes keys by ETSI GS QKD 014, made over quantum links whose photons are simulated.",
  environmentPrefix: "GLASSLINE_KME",
  spec,
};

export type KmeConfig = ConfigOf<typeof spec>;
