/** Which processes the stack consists of, and with which settings each one starts. Pure. */
import { join } from "node:path";

import type { MessageInitShape } from "@bufbuild/protobuf";
import { create, toJsonString } from "@bufbuild/protobuf";
import { recordingText } from "@glassline/config";
import type { EdgeSpecSchema } from "@glassline/proto/node";
import { SetDesiredStateRequestSchema } from "@glassline/proto/node";
import type { PeerName } from "@glassline/service/identity";

import type { StackConfig } from "./config.ts";
import { OFFSET } from "./ports.ts";
import type { Flags, ProcessPlan } from "./process-plan.ts";
import { flags, processOf } from "./process-plan.ts";
import { keyManagerAddresses, keyManagers, quantumLink } from "./quantum-plan.ts";
import { telemetryEnvironment } from "./telemetry-environment.ts";

export interface Plan {
  /** In the order in which they stop: OpsBot first, so that it repairs nothing that is stopped, the collector last. */
  processes: readonly ProcessPlan[];
  url: string;
  /** The page, with the right to change something. */
  sessionUrl: string;
  /** What the node-agent runs. */
  edges: readonly { identity: PeerName; adminPort: number }[];
  /** Of the node-agent. */
  agentDataDir: string;
}

const HOST = "localhost";

const EDGES = [1, 2] as const;

export interface Secrets {
  otlpToken: string;
  /** For purging and priming edges. */
  edgeToken: string;
  /** For encoders that push streams. */
  pushKey: string;
  /** For pages that may change something. */
  sessionToken: string;
}

/** The camera whose picture is the test card: the first one of the simulated fleet. */
const TEST_CARD_CAMERA = "cam-0001";

export function planOf(config: StackConfig, secrets: Secrets): Plan {
  const at = (offset: number) => config.basePort + offset;
  const address = (offset: number) => `${HOST}:${at(offset)}`;
  const pkiDir = join(config.data, "pki");
  const telemetry = telemetryEnvironment(config, pkiDir, secrets);
  const dashboardOrigin = `http://${address(OFFSET.dashboard)}`;
  const pagesOrigin = `http://${address(OFFSET.enrolmentPages)}`;
  const common = { "pki-dir": pkiDir, "log-level": config.logLevel };

  const meshNode = (node: number, more: Flags): ProcessPlan => ({
    ...processOf("mesh-node", `node-${node}`, telemetry),
    ports: [
      { port: at(OFFSET.node + node), what: `node-${node}` },
      { port: at(OFFSET.nodeAdmin + node), what: `node-${node}'s health` },
    ],
    arguments: flags({
      ...common,
      name: `node-${node}`,
      port: at(OFFSET.node + node),
      "admin-port": at(OFFSET.nodeAdmin + node),
      ...(!config.noQuantum && quantumLink(node, { address })),
      ...more,
    }),
  });
  const peers = (...nodes: number[]) =>
    nodes.map((node) => `node-${node}=${address(OFFSET.node + node)}`);

  const camera: ProcessPlan = {
    ...processOf("camera", "agent-1", telemetry),
    ports: [{ port: at(OFFSET.camera), what: "camera" }],
    arguments: flags({
      ...common,
      name: "agent-1",
      gateway: address(OFFSET.node + 1),
      "admin-port": at(OFFSET.camera),
      cameras: config.cameras,
      seed: config.seed,
      interval: `${config.interval}ms`,
      "trace-ratio": config.traceRatio,
      camera: config.camera.map(recordingText),
    }),
  };

  const collector: ProcessPlan = {
    ...processOf("collector", "collector", {
      ...telemetry,
      GLASSLINE_COLLECTOR_OTLP_TOKEN: secrets.otlpToken,
    }),
    ports: [
      { port: at(OFFSET.collector), what: "collector" },
      { port: at(OFFSET.collectorAdmin), what: "collector's health and queries" },
      { port: config.otlpGrpcPort, what: "OTLP over gRPC (--otlp-grpc-port)" },
      { port: config.otlpHttpPort, what: "OTLP over HTTP (--otlp-http-port)" },
    ],
    arguments: flags({
      ...common,
      name: "collector",
      "data-dir": join(config.data, "collector"),
      port: at(OFFSET.collector),
      "admin-port": at(OFFSET.collectorAdmin),
      "otlp-grpc-port": config.otlpGrpcPort,
      "otlp-http-port": config.otlpHttpPort,
    }),
  };

  const origin: ProcessPlan = {
    ...processOf("origin", "origin", { GLASSLINE_ORIGIN_PUSH_KEY: secrets.pushKey }),
    ports: [
      { port: at(OFFSET.origin), what: "origin" },
      { port: at(OFFSET.originGrpc), what: "origin's status" },
      { port: at(OFFSET.originAdmin), what: "origin's health" },
    ],
    arguments: flags({
      ...common,
      name: "origin",
      port: at(OFFSET.origin),
      "grpc-port": at(OFFSET.originGrpc),
      "admin-port": at(OFFSET.originAdmin),
      "test-card": TEST_CARD_CAMERA,
      camera: config.camera.map(recordingText),
    }),
  };

  const enrolment: ProcessPlan = {
    ...processOf("enrolment", "enrolment", {}),
    ports: [
      { port: at(OFFSET.enrolment), what: "enrolment" },
      { port: at(OFFSET.enrolmentAdmin), what: "enrolment's health" },
      { port: at(OFFSET.enrolmentPages), what: "pages for phones" },
    ],
    arguments: flags({
      ...common,
      name: "enrolment",
      port: at(OFFSET.enrolment),
      "admin-port": at(OFFSET.enrolmentAdmin),
      "public-port": at(OFFSET.enrolmentPages),
      "data-dir": join(config.data, "enrolment"),
    }),
  };

  const edgeUrl = (edge: number) => `http://${address(OFFSET.edge + edge)}`;
  const edgeSpec = (number: number): MessageInitShape<typeof EdgeSpecSchema> => ({
    name: `edge-${number}`,
    machine: `machine-${number}`,
    port: at(OFFSET.edge + number),
    grpcPort: at(OFFSET.edgeGrpc + number),
    adminPort: at(OFFSET.edgeAdmin + number),
    clusterPort: at(OFFSET.edgeCluster + number),
    publicUrl: edgeUrl(number),
    originUrl: `https://${address(OFFSET.origin)}`,
    allowedOrigins: [dashboardOrigin, pagesOrigin],
    peers: EDGES.filter((other) => other !== number).map((other) => ({
      name: `edge-${other}`,
      publicUrl: edgeUrl(other),
      clusterUrl: `https://${address(OFFSET.edgeCluster + other)}`,
    })),
  });
  const edges = EDGES.map(edgeSpec);
  const edgeEndpoints = EDGES.map((edge) => `edge-${edge}=${address(OFFSET.edgeGrpc + edge)}`);

  // One agent that stands for two machines.
  const agentDataDir = join(config.data, "node-agent");
  const nodeAgent: ProcessPlan = {
    ...processOf("node-agent", "node-agent", {
      GLASSLINE_NODE_AGENT_EDGE_TOKEN: secrets.edgeToken,
    }),
    ports: [
      { port: at(OFFSET.nodeAgent), what: "node-agent" },
      { port: at(OFFSET.nodeAgentAdmin), what: "node-agent's health" },
      ...EDGES.flatMap((edge) => [
        { port: at(OFFSET.edge + edge), what: `edge-${edge}` },
        { port: at(OFFSET.edgeGrpc + edge), what: `edge-${edge}'s administration` },
        { port: at(OFFSET.edgeAdmin + edge), what: `edge-${edge}'s health` },
        { port: at(OFFSET.edgeCluster + edge), what: `edge-${edge}'s cluster` },
      ]),
    ],
    arguments: flags({
      ...common,
      name: "node-agent",
      port: at(OFFSET.nodeAgent),
      "admin-port": at(OFFSET.nodeAgentAdmin),
      machine: EDGES.map((edge) => `machine-${edge}`),
      "data-dir": agentDataDir,
      "edge-ports": `${at(OFFSET.deployed)}-${at(OFFSET.deployedLast)}`,
      // Whoever stops the stack does not wait for its players.
      "edge-drain": 0,
    }),
  };

  const opsbot: ProcessPlan = {
    ...processOf("opsbot", "opsbot", { GLASSLINE_OPSBOT_EDGE_TOKEN: secrets.edgeToken }),
    ports: [
      { port: at(OFFSET.opsbot), what: "OpsBot" },
      { port: at(OFFSET.opsbotAdmin), what: "OpsBot's health" },
    ],
    arguments: flags({
      ...common,
      name: "opsbot",
      port: at(OFFSET.opsbot),
      "admin-port": at(OFFSET.opsbotAdmin),
      "data-dir": join(config.data, "opsbot"),
      "node-agent": `node-agent=${address(OFFSET.nodeAgent)}`,
      edge: edgeEndpoints,
      origin: `origin=${address(OFFSET.originGrpc)}`,
      enrolment: `enrolment=${address(OFFSET.enrolment)}`,
      "allowed-origin": dashboardOrigin,
      channels: join(config.data, "channels"),
      collector: `collector=${address(OFFSET.collector)}`,
      "mesh-node": peers(1, 2, 3),
      edges: toJsonString(
        SetDesiredStateRequestSchema,
        create(SetDesiredStateRequestSchema, { edges }),
      ),
    }),
  };

  const dashboard: ProcessPlan = {
    ...processOf("dashboard", "dashboard", {
      GLASSLINE_DASHBOARD_SESSION_TOKEN: secrets.sessionToken,
    }),
    ports: [
      { port: at(OFFSET.dashboard), what: "dashboard" },
      { port: at(OFFSET.dashboardAdmin), what: "dashboard's health" },
    ],
    arguments: flags({
      ...common,
      port: at(OFFSET.dashboard),
      "admin-port": at(OFFSET.dashboardAdmin),
      collector: `collector=${address(OFFSET.collector)}`,
      "mesh-node": peers(1, 2, 3),
      kme: config.noQuantum ? [] : keyManagerAddresses({ address }),
      "camera-agent": `agent-1=${address(OFFSET.camera)}`,
      origin: `origin=${address(OFFSET.originGrpc)}`,
      edge: edgeEndpoints,
      "node-agent": `node-agent=${address(OFFSET.nodeAgent)}`,
      opsbot: `opsbot=${address(OFFSET.opsbot)}`,
      enrolment: `enrolment=${address(OFFSET.enrolment)}`,
      "media-url": EDGES.map(edgeUrl),
    }),
  };

  const nearCollector = { collector: address(OFFSET.collector) };
  return {
    url: `${dashboardOrigin}/`,
    edges: EDGES.map((edge) => ({
      identity: { role: "edge-cache", instance: `edge-${edge}` },
      adminPort: at(OFFSET.edgeAdmin + edge),
    })),
    agentDataDir,
    // In the fragment, which browsers send to nobody.
    sessionUrl: `${dashboardOrigin}/#session=${secrets.sessionToken}`,
    processes: [
      opsbot,
      camera,
      dashboard,
      enrolment,
      nodeAgent,
      origin,
      meshNode(1, { gateway: true, "data-dir": join(config.data, "node-1"), peer: peers(2, 3) }),
      meshNode(2, { ...nearCollector, peer: peers(3) }),
      meshNode(3, nearCollector),
      ...(config.noQuantum ? [] : keyManagers(common, { at, address })),
      collector,
    ],
  };
}
