import type { ConfigOf, Program } from "@glassline/config";
import {
  bytes,
  choice,
  directory,
  duration,
  endpoints,
  integer,
  port,
  text,
  toggle,
} from "@glassline/config";
import { SHARES_MAX } from "@glassline/otqmn/seal/shares";
import { MODES } from "@glassline/quantum/keys/epoch";
import { commonOptions } from "@glassline/service/options";

const spec = {
  name: text({ help: "Name of this node, as in its certificate.", default: "node-1" }),
  port: port({ help: "gRPC with client certificates: links, cameras, status.", default: "7421" }),
  ...commonOptions("7431"),
  peer: endpoints({ help: "Neighbour to keep a link to; the other end need not name this one." }),
  links: choice({
    help: "What links run over; the same at both ends. udp: sealed records, at the port number of gRPC.",
    of: ["grpc", "udp"],
    default: "grpc",
  }),
  tcpPort: port({
    help: "With --links udp, links over TCP are taken there, from neighbours whose UDP does not get through. 0: none are.",
    default: "0",
  }),
  fallback: endpoints({
    help: "Neighbour that is dialled over TCP, at its --tcp-port, where UDP brings no answer.",
  }),
  datagramSize: bytes({
    help: "Of links over UDP, bytes of a datagram at most. Every network takes the default; where all takes more, 1472 (Ethernet) or 8972 (jumbo frames) are less work.",
    default: "1232B",
    minBytes: 320,
    maxBytes: 65_507,
  }),
  mode: choice({
    help: "Of links over UDP; the same at both ends. hybrid: with a QKD key where there is one; qkd-required: never without; otp: what cameras say is under one-time pads as well.",
    of: MODES,
    default: "hybrid",
  }),
  keyManager: endpoints({
    help: "Key manager (ETSI GS QKD 014), by the name in its certificate, whose keys links over UDP take in.",
  }),
  keySource: choice({
    help: "What the key manager's keys come from: a device, or a simulation, as those of Glassline's own.",
    of: ["sim", "qkd"],
    default: "sim",
  }),
  allowSimulatedKeys: toggle({
    help: "Modes qkd-required and otp take simulated keys, which add no security.",
  }),
  keyLifetime: duration({
    help: "Keys of links over UDP are refused after this, and made anew after two thirds of it.",
    default: "180s",
    minMs: 60_000,
    maxMs: 180_000,
  }),
  collector: text({
    help: "Address of a collector that this node hands sessions to. Empty: none.",
    default: "",
    placeholder: "HOST:PORT",
  }),
  collectorBalanced: toggle({
    help: "The collector's address is that of a load balancer, which shows a certificate of this role; its key exchange may be a classical one.",
  }),
  gateway: toggle({
    help: "Take reports of cameras, keep them on a ring and bring them to a collector.",
  }),
  shares: integer({
    help: "Of a gateway: its keys with the collector take in a secret that goes there in so many XOR shares, by ways that have no node in common; as many nodes have to be at collectors. 1: none.",
    default: "1",
    min: 1,
    max: SHARES_MAX,
  }),
  dataDir: directory({
    help: "Folder of a gateway's ring.",
    default: ".glassline/node-1",
  }),
  ringSize: bytes({
    help: "Size of the ring; when it is full, reports are refused.",
    default: "256MiB",
    minBytes: 2_097_152,
  }),
};

export const program: Program<typeof spec> = {
  name: "mesh-node",
  command: "npm run start -w @glassline/mesh-node --",
  purpose:
    "Takes what cameras measure (gateway) and carries it through the mesh to a collector (relay).",
  environmentPrefix: "GLASSLINE_MESH_NODE",
  spec,
};

export type MeshNodeConfig = ConfigOf<typeof spec>;
