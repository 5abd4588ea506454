import type { ConfigOf, Program } from "@glassline/config";
import {
  bytes,
  choice,
  directory,
  duration,
  file,
  integer,
  list,
  port,
  text,
  toggle,
} from "@glassline/config";
import { commonOptions } from "@glassline/service/options";

import { collectorFile } from "./config-file/file-option.ts";

/** The largest request, packed and unpacked. */
export const OTLP_MEMORY_LEAST = 16_777_216;
/** The largest batches of some streams, and what they become. */
export const OTQMN_MEMORY_LEAST = 33_554_432;
export const OTQMN_DECODERS_LEAST = 67_108_864;
/** Of a process that does nothing, twice. */
export const MEMORY_LIMIT_LEAST = 134_217_728;

const spec = {
  config: collectorFile({
    help: "File in the OpenTelemetry Collector's notation: receiver, exporters, pipelines. Flags and the environment count more.",
  }),
  shards: integer({
    help: "Processes that share the work, one core each; sizes are meant for all together.",
    default: "1",
    min: 1,
    max: 64,
  }),
  name: text({ help: "Name of this collector, as in its certificate.", default: "collector" }),
  dataDir: directory({
    help: "Folder of the log.",
    default: ".glassline/collector",
  }),
  port: port({ help: "gRPC with client certificates: OTQMN and queries.", default: "7411" }),
  ...commonOptions("7410"),
  loadBalancer: list({
    help: "Name of a load balancer, as in its certificate, that may hand on streams of producers. None: --balancer-port is closed.",
    placeholder: "NAME",
  }),
  balancerPort: port({
    help: "gRPC with certificates of load balancers: OTQMN only.",
    default: "7412",
  }),
  connections: integer({
    help: "Connections that may be open at each port; more are closed as they come.",
    default: "12000",
    min: 1,
    max: 1_000_000,
  }),
  otlpGrpcPort: port({ help: "OTLP over gRPC.", default: "4317" }),
  otlpHttpPort: port({ help: "OTLP over HTTP.", default: "4318" }),
  otlpToken: text({
    help: "Bearer token that OTLP senders must show; better given by the environment. Empty: OTLP is off.",
    default: "",
  }),
  otlpPlaintext: toggle({ help: "OTLP without TLS, behind a sidecar that does it." }),
  otlpOpen: toggle({ help: "OTLP without a token: whoever reaches the ports may send." }),
  otlpHost: text({ help: "Address to listen on for OTLP. Empty: that of --host.", default: "" }),
  otlpProtocols: choice({
    help: "Which ports of OTLP are open.",
    default: "both",
    of: ["both", "grpc", "http"],
  }),
  otlpCertificate: file({
    help: "PEM of the certificate that OTLP senders see. Empty: that of --pki-dir.",
    default: "",
  }),
  otlpKey: file({
    help: "PEM of the key of --otlp-certificate.",
    default: "",
  }),
  otlpGrpcRequestSize: bytes({
    help: "Size of the largest request of OTLP over gRPC, packed and unpacked; at most 8MiB.",
    default: "8MiB",
    minBytes: 1_024,
    maxBytes: 8_388_608,
  }),
  otlpMemory: bytes({
    help: "Memory for requests of OTLP and remote write that are received and not durable yet, of all senders together; more are refused and may be sent again.",
    default: "32MiB",
    minBytes: OTLP_MEMORY_LEAST,
  }),
  otqmnMemory: bytes({
    help: "Memory for OTQMN batches that are received and not durable yet, of all streams together; each may send its share of it ahead.",
    default: "256MiB",
    // One of the largest batches and its points beside those that wait for an earlier one.
    minBytes: OTQMN_MEMORY_LEAST,
  }),
  otqmnDecoders: bytes({
    help: "Memory for what the decoders of all OTQMN streams remember of their series, as it is estimated.",
    default: "512MiB",
    // What a gateway of thousands of cameras makes its decoder remember, several times.
    minBytes: OTQMN_DECODERS_LEAST,
  }),
  memoryLimit: bytes({
    help: "Memory of the heap and buffers above which recent points go, and then nothing is taken in until it is less. 0: only the limits of the parts.",
    default: "0",
    minBytes: MEMORY_LIMIT_LEAST,
    orNone: true,
  }),
  logSize: bytes({
    help: "Size of the log; the oldest segments go when it is reached.",
    default: "2GiB",
    minBytes: 1_048_576,
  }),
  logAge: duration({
    help: "Age of the log; segments all of whose records are older go. 0s: only the size counts.",
    default: "0s",
    minMs: 0,
    maxMs: 315_360_000_000,
  }),
  logNats: list({
    help: "Server of NATS JetStream that keeps the log instead of this disk; all of one cluster.",
    placeholder: "URL",
  }),
  logNatsStream: text({
    help: "Stream of the log; one collector writes it.",
    default: "glassline",
  }),
  logNatsReplicas: integer({
    help: "Replicas of the stream; records are acknowledged when more than half have them.",
    default: "3",
    min: 1,
    max: 5,
  }),
  logNatsCredentials: file({ help: "Credentials (.creds) for NATS.", default: "" }),
  logNatsCa: file({
    help: "Certificates (PEM) of those who sign for the servers of NATS.",
    default: "",
  }),
  logNatsCertificate: file({
    help: "Certificate (PEM) that is shown to the servers of NATS.",
    default: "",
  }),
  logNatsKey: file({ help: "Its key (PEM).", default: "" }),
  segmentSize: bytes({ help: "Size of a segment of the log.", default: "8MiB", minBytes: 65_536 }),
  exportFrom: choice({
    help: "Where in the log an exporter begins that has not exported yet.",
    default: "end",
    of: ["end", "beginning"],
  }),
  recentWindow: duration({
    help: "Age of the points that are kept in memory.",
    default: "15m",
    minMs: 1_000,
    maxMs: 86_400_000,
  }),
  recentSize: bytes({
    help: "Memory for recent points; the window shrinks when it is reached.",
    default: "256MiB",
    minBytes: 1_048_576,
  }),
  silenceLimit: duration({
    help: "A camera is silent when nothing has come for so long.",
    default: "10s",
    minMs: 100,
    maxMs: 86_400_000,
  }),
  forgetAfter: duration({
    help: "A camera that has been silent for so long is not listed any more; its data stays.",
    default: "1d",
    minMs: 1_000,
    maxMs: 31_536_000_000,
  }),
  admissionRate: integer({
    help: "Producers that are let in a second; the others wait, as after a restart.",
    default: "300",
    min: 1,
    max: 100_000,
  }),
  streamLifetime: duration({
    help: "Age at which a stream is drained, give or take a fifth.",
    default: "7m",
    minMs: 1_000,
    maxMs: 86_400_000,
  }),
};

export const program: Program<typeof spec> = {
  name: "collector",
  command: "npm run start -w @glassline/collector --",
  purpose: "Stores what cameras measure, durably, and answers questions about it.",
  environmentPrefix: "GLASSLINE_COLLECTOR",
  spec,
  file: "config",
};

export type CollectorConfig = ConfigOf<typeof spec>;
