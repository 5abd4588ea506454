/** Which processes the stack consists of, and with which settings each one starts. Pure. */
import { join } from "node:path";

import type { PeerName } from "@glassline/service/identity";

import type { StackConfig } from "./config.ts";

export interface ProcessPlan {
  /** Also its instance name; e.g. "node-2". */
  name: string;
  app: "camera" | "mesh-node" | "collector" | "dashboard";
  arguments: readonly string[];
  environment: Readonly<Record<string, string>>;
  /** Ports it listens on, with what the operator should know them by. */
  ports: readonly { port: number; what: string }[];
  identity: PeerName;
}

export interface Plan {
  /** In the order in which they stop: cameras first, the collector last. */
  processes: readonly ProcessPlan[];
  url: string;
}

const HOST = "localhost";

/** Offsets from the base port; node N adds N. */
const OFFSET = { dashboard: 0, dashboardAdmin: 1, collectorAdmin: 10, collector: 11, node: 20, nodeAdmin: 30, camera: 40 } as const;
/** Of the ports that the plan uses: for `--base-port`. */
export const PORT_SPAN = 50;

export interface Secrets {
  otlpToken: string;
}

/** @param recordings absolute paths. */
export function planOf(config: StackConfig, recordings: readonly string[], secrets: Secrets): Plan {
  const at = (offset: number) => config.basePort + offset;
  const pkiDir = join(config.data, "pki");
  const common = ["--pki-dir", pkiDir, "--log-level", config.logLevel];
  const telemetry = telemetryEnvironment(config, pkiDir, secrets);
  const collectorAddress = `${HOST}:${at(OFFSET.collector)}`;
  const nodeAddress = (node: number) => `${HOST}:${at(OFFSET.node + node)}`;

  const camera: ProcessPlan = {
    name: "agent-1",
    app: "camera",
    identity: { role: "camera", instance: "agent-1" },
    environment: telemetry,
    ports: [{ port: at(OFFSET.camera), what: "camera" }],
    arguments: [
      ...common,
      ...["--name", "agent-1", "--gateway", nodeAddress(1), "--admin-port", String(at(OFFSET.camera))],
      ...["--cameras", String(config.cameras), "--seed", String(config.seed), "--interval", `${config.interval}ms`],
      ...["--trace-ratio", String(config.traceRatio)],
      ...recordings.flatMap((path) => ["--camera", path]),
    ],
  };

  const meshNode = (node: number, more: readonly string[]): ProcessPlan => ({
    name: `node-${node}`,
    app: "mesh-node",
    identity: { role: "mesh-node", instance: `node-${node}` },
    environment: telemetry,
    ports: [
      { port: at(OFFSET.node + node), what: `node-${node}` },
      { port: at(OFFSET.nodeAdmin + node), what: `node-${node}'s health` },
    ],
    arguments: [
      ...common,
      ...["--name", `node-${node}`, "--port", String(at(OFFSET.node + node)), "--admin-port", String(at(OFFSET.nodeAdmin + node))],
      ...more,
    ],
  });

  const collector: ProcessPlan = {
    name: "collector",
    app: "collector",
    identity: { role: "collector", instance: "collector" },
    environment: { ...telemetry, GLASSLINE_COLLECTOR_OTLP_TOKEN: secrets.otlpToken },
    ports: [
      { port: at(OFFSET.collector), what: "collector" },
      { port: at(OFFSET.collectorAdmin), what: "collector's health and queries" },
      { port: config.otlpGrpcPort, what: "OTLP over gRPC (--otlp-grpc-port)" },
      { port: config.otlpHttpPort, what: "OTLP over HTTP (--otlp-http-port)" },
    ],
    arguments: [
      ...common,
      ...["--name", "collector", "--data-dir", join(config.data, "collector")],
      ...["--port", String(at(OFFSET.collector)), "--admin-port", String(at(OFFSET.collectorAdmin))],
      ...["--otlp-grpc-port", String(config.otlpGrpcPort), "--otlp-http-port", String(config.otlpHttpPort)],
    ],
  };

  const dashboard: ProcessPlan = {
    name: "dashboard",
    app: "dashboard",
    identity: { role: "dashboard", instance: "dashboard" },
    environment: {},
    ports: [
      { port: at(OFFSET.dashboard), what: "dashboard" },
      { port: at(OFFSET.dashboardAdmin), what: "dashboard's health" },
    ],
    arguments: [
      ...common,
      ...["--port", String(at(OFFSET.dashboard)), "--admin-port", String(at(OFFSET.dashboardAdmin))],
      ...["--collector", `collector=${collectorAddress}`],
      ...[1, 2, 3].flatMap((node) => ["--mesh-node", `node-${node}=${nodeAddress(node)}`]),
      ...["--camera-agent", `agent-1=${HOST}:${at(OFFSET.camera)}`],
    ],
  };

  const ring = ["--gateway", "--data-dir", join(config.data, "node-1")];
  return {
    url: `http://${HOST}:${at(OFFSET.dashboard)}/`,
    processes: [
      camera,
      dashboard,
      meshNode(1, [...ring, "--peer", `node-2=${nodeAddress(2)}`, "--peer", `node-3=${nodeAddress(3)}`]),
      meshNode(2, ["--collector", collectorAddress, "--peer", `node-3=${nodeAddress(3)}`]),
      meshNode(3, ["--collector", collectorAddress]),
      collector,
    ],
  };
}

/** The standard variables by which every OpenTelemetry SDK finds the stack's own collector. */
export function telemetryEnvironment(config: StackConfig, pkiDir: string, { otlpToken }: Secrets): Record<string, string> {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: `https://${HOST}:${config.otlpHttpPort}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
    OTEL_EXPORTER_OTLP_CERTIFICATE: join(pkiDir, "ca.pem"),
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${otlpToken}`,
    OTEL_METRICS_EXPORTER: "none",
    OTEL_LOGS_EXPORTER: "none",
    OTEL_BSP_SCHEDULE_DELAY: "500",
  };
}
