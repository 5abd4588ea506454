/**
 * The contract over time: golden messages that are never edited, old readers of new writers, and services that match their
 * descriptors. A golden file is made once (`UPDATE_GOLDEN=new`), and only for a message that has none.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { create, createRegistry, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";

import { jsonClient, jsonRoutes } from "./json.ts";
import { RpcError } from "./errors.ts";
import { openApi } from "./openapi.ts";
import { serviceDefinition } from "./rpc.ts";
import {
  ReportRequestSchema,
  RefusalReason,
  ReportResponseSchema,
  SeriesKind,
} from "./gen/glassline/camera/v1alpha1/camera_pb.ts";
import { RestartRequestSchema } from "./gen/glassline/control/v1alpha1/control_pb.ts";
import {
  FenceRequestSchema,
  GetPrimingResponseSchema,
  PrimeRequestSchema,
  PrimingState,
  PurgeRequestSchema,
  RevokeTokensRequestSchema,
  SetDrainingRequestSchema,
} from "./gen/glassline/edge/v1alpha1/edge_pb.ts";
import {
  CircuitSignal,
  FrameSchema,
  RestartLinkRequestSchema,
  RotateKeysRequestSchema,
} from "./gen/glassline/mesh/v1alpha1/mesh_pb.ts";
import { SetDesiredStateRequestSchema } from "./gen/glassline/node/v1alpha1/node_pb.ts";
import {
  ActionKind,
  EntryKind,
  GetIncidentResponseSchema,
  IncidentPhase,
  ListAuditResponseSchema,
  PlanResponseSchema,
} from "./gen/glassline/opsbot/v1alpha1/opsbot_pb.ts";
import {
  ChannelKind,
  ListChannelsResponseSchema,
} from "./gen/glassline/origin/v1alpha1/origin_pb.ts";
import {
  NackCode,
  OtqmnService,
  StreamRequestSchema,
  StreamResponseSchema,
} from "./gen/glassline/otqmn/v1alpha1/otqmn_pb.ts";
import { RetryInfoSchema } from "./gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "./gen/google/rpc/status_pb.ts";
import { ExportLogsServiceRequestSchema } from "./gen/opentelemetry/proto/collector/logs/v1/logs_service_pb.ts";
import { SeverityNumber } from "./gen/opentelemetry/proto/logs/v1/logs_pb.ts";
import { GetStatusResponseSchema, QueryService } from "./gen/glassline/query/v1alpha1/query_pb.ts";
import { RequestSchema } from "./gen/io/prometheus/write/v2/types_pb.ts";
import { WriteRequestSchema } from "./gen/prometheus/remote_pb.ts";
import { LogRecordSchema, RingRecordSchema } from "./gen/glassline/storage/v1alpha1/storage_pb.ts";

const bytes = (length: number, from = 1) =>
  Uint8Array.from({ length }, (_, at) => (at + from) % 256);

function golden<D extends DescMessage>(name: string, schema: D, message: MessageInitShape<D>) {
  return { name, schema: schema as DescMessage, message: message as MessageInitShape<DescMessage> };
}

const text = (value: string) => new Uint8Array(Buffer.from(value));

const NATIVE_HISTOGRAM = {
  count: { case: "countInt" as const, value: 9n },
  sum: 0x4000_0000_0000_0000n,
  schema: -4,
  zeroThreshold: 1e-128,
  zeroCount: { case: "zeroCountFloat" as const, value: 1 },
  negativeSpans: [{ offset: -3, length: 2 }],
  negativeDeltas: [1n, -1n],
  negativeCounts: [1.5],
  positiveSpans: [{ offset: 3, length: 2 }],
  positiveDeltas: [2n, 3n],
  positiveCounts: [2.5],
  resetHint: 3 as const,
  timestamp: 5n,
  customValues: [0.1],
};

/** One of each kind of message that travels or is stored, with every field set. */
const GOLDEN = [
  golden("otqmn-hello", StreamRequestSchema, {
    message: {
      case: "hello",
      value: {
        producer: "node-1",
        incarnation: bytes(16),
        firstUnackedSeq: 7n,
        capabilities: ["columns/1"],
        signedAtUnixNano: 1_790_000_000_000_000_000n,
        certificate: bytes(5),
        signature: bytes(64),
      },
    },
  }),
  golden("otqmn-batch", StreamRequestSchema, {
    message: {
      case: "batch",
      value: { seq: 9n, keyBatch: true, traceContexts: [bytes(29)], payload: bytes(40) },
    },
    passage: {
      hopContexts: [bytes(29, 9)],
      links: [{ from: "node-1", to: "node-2", keyId: "k", keySource: "tls", keyEpoch: 3n }],
    },
  }),
  golden("otqmn-welcome", StreamResponseSchema, {
    message: {
      case: "welcome",
      value: {
        durableSeq: 8n,
        creditBytes: 4_194_304n,
        limits: { batchMaxBytes: 1, batchMaxPoints: 2, batchMaxSeries: 3, reorderMaxBatches: 4 },
        maxStreamLifetimeMs: 420_000,
        capabilities: ["columns/1"],
      },
    },
  }),
  golden("query-status", GetStatusResponseSchema, {
    durability: "synced to this disk",
    startedUnixNano: 1_790_000_000_000_000_000n,
    logBytes: 1n,
    logMaxBytes: 2n,
    logSegments: 3,
    pointsStored: 4n,
    batchesStored: 5n,
    replays: 6n,
    dropped: { nack_gap: 7n },
    producers: [{ producer: "node-1", incarnation: "07", durableSeq: 8n, connected: true }],
    cameras: 9,
    series: 10,
    startFindings: ["a torn tail"],
    logRecordsStored: 11n,
    spansStored: 12n,
  }),
  golden("otqmn-ack", StreamResponseSchema, {
    message: { case: "ack", value: { receivedSeq: 12n, durableSeq: 11n } },
  }),
  golden("otqmn-nack", StreamResponseSchema, {
    message: { case: "nack", value: { seq: 3n, code: NackCode.GAP, reason: "why" } },
  }),
  golden("otqmn-drain", StreamResponseSchema, {
    message: { case: "drain", value: { deadlineMs: 10_000 } },
  }),
  golden("otqmn-directive", StreamResponseSchema, {
    message: {
      case: "directive",
      value: { cameraId: "cam-1", action: { case: "samplingIntervalMs", value: 500 } },
    },
  }),
  golden("camera-report", ReportRequestSchema, {
    message: {
      case: "report",
      value: {
        seq: 5n,
        cameraId: "cam-1",
        attributes: { "camera.source": "gopro" },
        newSeries: [
          {
            metric: "m",
            unit: "Cel",
            kind: SeriesKind.GAUGE,
            attributes: { component: "x" },
            cameraId: "cam-1",
          },
        ],
        series: [0, 1],
        timeUnixNano: [1n, 2n],
        value: [-0, 1.5],
        traceContext: bytes(29),
      },
    },
  }),
  golden("camera-refusal", ReportResponseSchema, {
    message: {
      case: "refusal",
      value: { seq: 5n, reason: RefusalReason.RING_FULL, message: "full", retryAfterMs: 500 },
    },
  }),
  golden("mesh-data", FrameSchema, {
    frame: {
      case: "data",
      value: {
        circuit: 77n,
        source: "node-1",
        destination: "node-3",
        hopLimit: 32,
        signal: CircuitSignal.OPEN,
        payload: bytes(10),
        hopContexts: [bytes(29)],
        path: ["node-1", "node-2"],
      },
    },
  }),
  golden("mesh-route-update", FrameSchema, {
    frame: {
      case: "routeUpdate",
      value: {
        routes: [{ origin: "node-3", seqno: 4, metric: 4_294_967_295, services: ["collector"] }],
      },
    },
  }),
  golden("stored-batch", LogRecordSchema, {
    receivedUnixNano: 1n,
    record: {
      case: "batch",
      value: { producer: "node-1", incarnation: bytes(16), seq: 4n, payload: bytes(6) },
    },
  }),
  golden("stored-checkpoint", LogRecordSchema, {
    record: {
      case: "checkpoint",
      value: { producers: [{ producer: "node-1", incarnation: bytes(16), durableSeq: 9n }] },
    },
  }),
  golden("stored-otlp-logs", LogRecordSchema, {
    receivedUnixNano: 1n,
    record: { case: "otlpLogs", value: bytes(6) },
  }),
  golden("otlp-logs", ExportLogsServiceRequestSchema, {
    resourceLogs: [
      {
        resource: {
          attributes: [
            { key: "service.name", value: { value: { case: "stringValue", value: "s" } } },
          ],
          droppedAttributesCount: 1,
        },
        scopeLogs: [
          {
            scope: { name: "scope", version: "1" },
            logRecords: [
              {
                timeUnixNano: 1n,
                observedTimeUnixNano: 2n,
                severityNumber: SeverityNumber.WARN,
                severityText: "warn",
                body: { value: { case: "stringValue", value: "body" } },
                attributes: [{ key: "n", value: { value: { case: "intValue", value: 3n } } }],
                droppedAttributesCount: 4,
                flags: 1,
                traceId: bytes(16),
                spanId: bytes(8),
                eventName: "event",
              },
            ],
            schemaUrl: "https://example.org/scope",
          },
        ],
        schemaUrl: "https://example.org/resource",
      },
    ],
  }),
  golden("google-status", StatusSchema, {
    code: 14,
    message: "why",
    details: [
      anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay: { seconds: 1n, nanos: 2 } })),
    ],
  }),
  golden("ring-record", RingRecordSchema, {
    payload: bytes(6),
    agents: [{ agent: "agent-1", incarnation: bytes(16), seq: 3n }],
    traceContexts: [bytes(29)],
    hopContexts: [bytes(29, 4)],
    points: 24,
    durableSeq: 2n,
  }),
  golden("stored-desired-state", SetDesiredStateRequestSchema, {
    fencingToken: 1_790_000_000n,
    edges: [
      {
        name: "edge-1",
        machine: "machine-1",
        port: 7471,
        grpcPort: 7481,
        adminPort: 7491,
        publicUrl: "http://localhost:7471",
        originUrl: "https://localhost:7450",
        storeMaxBytes: 268_435_456n,
        peers: [{ name: "edge-2", publicUrl: "http://localhost:7472" }],
        generation: 3n,
        allowedOrigins: ["http://localhost:7400"],
      },
    ],
  }),
  golden("stored-segments", SetDesiredStateRequestSchema, {
    fencingToken: 1_790_000_001n,
    segments: [
      {
        name: "overlay-a",
        machine: "machine-1",
        vni: 70_000,
        mtu: 1_450,
        address: "10.77.0.1/24",
        peers: [
          {
            name: "machine-2",
            underlayAddress: "192.0.2.2",
            address: "10.77.0.2",
            mac: "02:47:0a:4d:00:02",
          },
        ],
        mac: "02:47:0a:4d:00:01",
        underlayAddress: "192.0.2.1",
      },
    ],
  }),
  golden("edge-purge", PurgeRequestSchema, {
    target: { case: "tag", value: "channel:cam-0001" },
    idempotencyKey: "key-1",
    fencingToken: 1_790_000_000n,
  }),
  golden("edge-prime", PrimeRequestSchema, {
    path: "/live/cam-0001/index.m3u8",
    idempotencyKey: "key-2",
    fencingToken: 1_790_000_000n,
  }),
  golden("edge-prime-list", PrimeRequestSchema, {
    paths: ["/live/cam-0001/index.m3u8", "/vod/film/1.m4s"],
    background: true,
    idempotencyKey: "key-3",
  }),
  golden("edge-priming", GetPrimingResponseSchema, {
    priming: {
      state: PrimingState.VALIDATING,
      objectsFound: 7,
      objectsFetched: 5,
      bytes: 4_194_304n,
      objectsFailed: 2,
      failures: [{ path: "/vod/film/2.m4s", reason: "the origin answers with status 404" }],
      objectsValidated: 4,
      hits: 3,
      failure: "the caller has gone",
    },
  }),
  golden("edge-revoke-tokens", RevokeTokensRequestSchema, {
    target: { case: "client", value: "anna" },
    issuedUntilUnixNano: 1_790_000_000_000_000_000n,
    idempotencyKey: "key-4",
    fencingToken: 1_790_000_000n,
  }),
  golden("edge-fence", FenceRequestSchema, { fencingToken: 1_790_000_000n }),
  golden("edge-set-draining", SetDrainingRequestSchema, {
    draining: true,
    idempotencyKey: "key-5",
    fencingToken: 1_790_000_000n,
  }),
  golden("mesh-restart-link", RestartLinkRequestSchema, {
    neighbour: "node-2",
    idempotencyKey: "key-6",
    fencingToken: 1_790_000_000n,
  }),
  golden("mesh-rotate-keys", RotateKeysRequestSchema, {
    neighbour: "node-2",
    idempotencyKey: "key-7",
    fencingToken: 1_790_000_000n,
  }),
  golden("control-restart", RestartRequestSchema, {
    idempotencyKey: "key-8",
    fencingToken: 1_790_000_000n,
  }),
  golden("origin-channels", ListChannelsResponseSchema, {
    channels: [
      {
        name: "cam-0001",
        kind: ChannelKind.LOOP,
        path: "/live/cam-0001/index.m3u8",
        cameraId: "cam-0001",
        loopLengthMs: 60_000,
        targetDurationMs: 2_000,
        newestSequence: 895_000_000n,
        newestEndUnixNano: 1_790_000_000_000_000_000n,
        storedBytes: 400_000n,
        width: 640,
        height: 360,
        codecs: "avc1.4d401e",
        partTargetDurationMs: 520,
        renditions: 2,
      },
    ],
  }),
  golden("opsbot-incident", GetIncidentResponseSchema, {
    incident: {
      id: 7n,
      object: "edge-1",
      check: "process",
      title: "edge-1: it has ended by itself (SIGKILL)",
      phase: IncidentPhase.VERIFYING,
      openedUnixNano: 1n,
      closedUnixNano: 2n,
      summary: "3 objects fetched into the cache",
    },
    entries: [{ timeUnixNano: 1n, kind: EntryKind.DONE, text: "done", idempotencyKey: "key-3" }],
  }),
  golden("opsbot-plan", PlanResponseSchema, {
    result: {
      case: "plan",
      value: {
        hash: "3f2a9c",
        change: {
          change: {
            case: "act",
            value: { kind: ActionKind.FLUSH, target: "edge-1", prefix: "/live/" },
          },
        },
        says: "I will flush edge-1's cache (1 of 2 edges).",
        untilUnixNano: 1n,
      },
    },
  }),
  golden("opsbot-audit", ListAuditResponseSchema, {
    lines: [
      {
        seq: 7n,
        timeUnixNano: 1n,
        who: "operator local",
        what: "flush edge-1",
        before: "3 objects",
        after: "0 objects",
        hash: "3f2a9c",
      },
    ],
  }),
  golden("prometheus-write-request", WriteRequestSchema, {
    timeseries: [
      {
        labels: [{ name: text("__name__"), value: text("up") }],
        samples: [{ value: 0x7ff0_0000_0000_0002n, timestamp: -1n }],
        exemplars: [
          { labels: [{ name: text("trace_id"), value: text("ab") }], value: 0.5, timestamp: 3n },
        ],
        histograms: [NATIVE_HISTOGRAM],
      },
    ],
    metadata: [
      { type: 1, metricFamilyName: text("up"), help: text("Whether."), unit: text("seconds") },
    ],
  }),
  golden("prometheus-write-v2-request", RequestSchema, {
    symbols: [text(""), text("__name__"), text("up")],
    timeseries: [
      {
        labelsRefs: [1, 2],
        samples: [{ value: 0x3ff0_0000_0000_0000n, timestamp: 4n, startTimestamp: 2n }],
        histograms: [{ ...NATIVE_HISTOGRAM, startTimestamp: 2n }],
        exemplars: [{ labelsRefs: [1, 2], value: 0.5, timestamp: 3n }],
        metadata: { type: 1, helpRef: 2, unitRef: 1 },
        createdTimestamp: 1n,
      },
    ],
  }),
];

/** What an Any may hold. */
const registry = createRegistry(RetryInfoSchema);

describe("golden messages", () => {
  test.each(GOLDEN)("$name is written and read as ever", ({ name, schema, message }) => {
    const path = fileURLToPath(new URL(`../golden/${name}.binpb`, import.meta.url));
    const written = toBinary(schema, create(schema, message));
    if (!existsSync(path) && process.env["UPDATE_GOLDEN"] === "new") writeFileSync(path, written);
    const stored = new Uint8Array(readFileSync(path));
    expect(Buffer.from(written).toString("hex")).toBe(Buffer.from(stored).toString("hex"));
    expect(fromBinary(schema, stored)).toEqual(create(schema, message));
  });

  test.each(GOLDEN)(
    "$name from a newer writer, with fields unknown here, is read all the same and passed on whole",
    ({ schema, message }) => {
      const newer = new BinaryWriter()
        .tag(19_000, 2)
        .string("from the future")
        .tag(18_999, 0)
        .uint64(5n)
        .finish();
      const known = toBinary(schema, create(schema, message));
      const read = fromBinary(schema, Buffer.concat([known, newer]));
      expect(toJson(schema, read, { registry })).toEqual(
        toJson(schema, create(schema, message), { registry }),
      );
      expect(Buffer.from(toBinary(schema, read)).includes(Buffer.from("from the future"))).toBe(
        true,
      );
    },
  );

  test.each(GOLDEN)(
    "$name from an older writer, without any field, is read as defaults",
    ({ schema }) => {
      expect(fromBinary(schema, new Uint8Array(0))).toEqual(create(schema));
    },
  );
});

describe("services", () => {
  test("have the paths and stream kinds of their descriptors", () => {
    expect(serviceDefinition(OtqmnService)["stream"]).toMatchObject({
      path: "/glassline.otqmn.v1alpha1.OtqmnService/Stream",
      requestStream: true,
      responseStream: true,
    });
    expect(serviceDefinition(QueryService)["listCameras"]).toMatchObject({
      requestStream: false,
      responseStream: false,
    });
  });

  test("have an OpenAPI document in which every reference leads somewhere", () => {
    const document = openApi("Test", "1", [QueryService]) as {
      components: { schemas: object };
      paths: object;
    };
    const references = [
      ...JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g),
    ].map(([, name]) => name!);
    expect(references.length).toBeGreaterThan(20);
    for (const name of references) expect(document.components.schemas).toHaveProperty([name]);
    expect(Object.keys(document.paths)).toHaveLength(QueryService.methods.length);
  });
});

describe("JSON over HTTP", () => {
  const routes = jsonRoutes(QueryService, {
    listCameras: async () => ({ cameras: [{ cameraId: "cam-1" }] }),
    getLatest: async ({ cameraId }) => {
      throw new RpcError("not_found", `no ${cameraId}`);
    },
    queryRange: async () => ({
      series: [{ timeUnixNano: [2n ** 63n], value: [Number.NaN, Number.NEGATIVE_INFINITY] }],
    }),
    aggregateFleet: async () => ({}),
    listGaps: async () => ({}),
    listTraces: async () => ({}),
    getTrace: async () => ({}),
    getStatus: async () => {
      throw new TypeError("a bug");
    },
  });
  /** What a server does with the routes, without the socket. */
  const send = async (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const route = routes.find(({ path }) => String(url) === `/api${path}`)!;
    try {
      return Response.json(
        await route.handle(JSON.parse(String(init?.body)), {
          signal: new AbortController().signal,
        }),
      );
    } catch (error) {
      const { code, message, httpStatus } = error as RpcError;
      return Response.json({ code, message }, { status: httpStatus ?? 500 });
    }
  };
  const client = jsonClient(QueryService, "/api", send as typeof fetch);

  test("carries messages, 64-bit numbers and what JSON has no number for", async () => {
    expect((await client.listCameras()).cameras[0]!.cameraId).toBe("cam-1");
    const { series } = await client.queryRange({ cameraId: "cam-1" });
    expect(series[0]).toMatchObject({
      timeUnixNano: [2n ** 63n],
      value: [Number.NaN, Number.NEGATIVE_INFINITY],
    });
  });

  test("carries errors with their code, and says when nobody answers", async () => {
    await expect(client.getLatest({ cameraId: "x" })).rejects.toMatchObject({
      code: "not_found",
      message: "no x",
    });
    const lonely = jsonClient(QueryService, "/api", () => Promise.reject(new TypeError("refused")));
    await expect(lonely.getStatus()).rejects.toMatchObject({ code: "unavailable" });
  });
});
