/** The telemetry log in a stream of NATS JetStream: durable means that a quorum of the stream's replicas has acknowledged. */
import { randomBytes } from "node:crypto";

import { fromBinary } from "@bufbuild/protobuf";
import { LogRecordSchema } from "@glassline/proto/storage";
import { LogRefusal } from "@glassline/segment-log";
import { backoff } from "@glassline/service/backoff";
import type { Clock } from "@glassline/service/clock";
import { OperatorError, messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";
import type { StreamInfo } from "@nats-io/jetstream";
import { jetstream } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/transport-node";
import { headers } from "@nats-io/transport-node";

import type { MakeCheckpoint, Retention, TelemetryLog } from "../telemetry-log.ts";
import { RECORD_MAX_BYTES, encodeCheckpoint, encodeRecord } from "../telemetry-log.ts";
import { Arrivals } from "./arrivals.ts";
import type { JetStream, JetStreamPlace } from "./connection.ts";
import { connectJetStream } from "./connection.ts";
import { answerAsWriter, deleteBetween, requireNoWriter, storeFence } from "./fence.ts";
import {
  CLOSED_BYTES_HEADER,
  MAX_PAYLOAD_MIN_BYTES,
  PART_HEADER,
  partMaxBytesOf,
} from "./message.ts";
import { JetStreamPositions } from "./positions.ts";
import { readRecords } from "./reader.ts";
import { SegmentTable, listSegments } from "./segments.ts";
import { ensureStream, subjectsOf } from "./stream.ts";
import type { Outgoing } from "./writer.ts";
import { JetStreamWriter } from "./writer.ts";

export interface JetStreamLogOptions extends Retention {
  place: JetStreamPlace;
  replicas: number;
  /** Name of this collector. */
  name: string;
  clock: Clock;
  random: () => number;
  logger: Logger;
}

/** An append is refused when it is not acknowledged in time. */
const ACK_TIMEOUT_MS = 5_000;
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 2_000;

/** Rejects with OperatorError: no servers, another collector writes the stream, or it does not keep what it acknowledges. */
export async function openJetStreamLog(
  options: JetStreamLogOptions,
  checkpoint: MakeCheckpoint,
): Promise<TelemetryLog> {
  try {
    return await open(options, checkpoint);
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    const { servers, stream } = options.place;
    throw new OperatorError(
      `--log-nats ${servers.join(", ")}: stream ${stream} cannot be opened: ${messageOf(error)}.`,
      { cause: error },
    );
  }
}

async function open(
  options: JetStreamLogOptions,
  checkpoint: MakeCheckpoint,
): Promise<TelemetryLog> {
  await using stack = new AsyncDisposableStack();
  const { stream } = options.place;
  const jetStream = stack.use(
    await connectJetStream(options.place, `glassline collector ${options.name}`),
  );
  const { manager } = jetStream;
  requirePayload(jetStream);
  const info = await ensureStream(manager, stream, options.replicas);
  await requireNoWriter(jetStream, stream);
  const writerName = `${options.name} (${randomBytes(6).toString("hex")})`;
  const { fenceSeq } = await storeFence(jetStream, stream, writerName, undefined);
  answerAsWriter(jetStream, stream, writerName);
  const firstSeq = Math.max(1, info.state.first_seq);
  const nowMs = options.clock.nowMs();
  const found = await listSegments(manager, stream, firstSeq, fenceSeq + 1, nowMs);
  const segments = new SegmentTable(options, found);
  const opened = { info, segments, writerName, fenceSeq, checkpoint };
  const writer = stack.use(makeWriter(options, jetStream, opened));
  const parts = stack.move();
  return logOf(options, jetStream, { ...opened, writer, parts });
}

interface Opened {
  info: StreamInfo;
  segments: SegmentTable;
  writerName: string;
  fenceSeq: number;
  checkpoint: MakeCheckpoint;
}

function requirePayload({ nc }: JetStream): void {
  const got = nc.info!.max_payload;
  if (got < MAX_PAYLOAD_MIN_BYTES)
    throw new OperatorError(
      `--log-nats: the server takes messages of ${got} bytes, expected at least ${MAX_PAYLOAD_MIN_BYTES} (its max_payload).`,
    );
}

function makeWriter(
  { place: { stream }, segmentMaxBytes, clock, random, logger }: JetStreamLogOptions,
  jetStream: JetStream,
  { segments, writerName, fenceSeq, checkpoint }: Opened,
): JetStreamWriter {
  const client = jetstream(jetStream.nc);
  const subjects = subjectsOf(stream);
  const tries = backoff({ firstMs: RETRY_FIRST_MS, maxMs: RETRY_MAX_MS, random });
  const deps = {
    segments,
    segmentMaxBytes,
    recordMaxBytes: RECORD_MAX_BYTES,
    partMaxBytes: partMaxBytesOf(jetStream.nc.info!.max_payload),
    checkpoint: (index: number) => encodeCheckpoint(checkpoint, index),
    publish: async (message: Outgoing) => {
      const { seq } = await client.publish(subjects[message.kind], message.payload, {
        headers: headersOf(message),
        timeout: ACK_TIMEOUT_MS,
        expect: { streamName: stream, lastSequence: message.seq - 1 },
      });
      if (seq !== message.seq) throw new Error(`stored at ${seq}, expected ${message.seq}`);
    },
    takeOver: async (ownSeq: number) => {
      const { fenceSeq } = await storeFence(jetStream, stream, writerName, ownSeq);
      await deleteBetween(jetStream, stream, ownSeq, fenceSeq);
      tries.reset();
      return fenceSeq;
    },
    pause: () => clock.sleep(tries.nextMs()),
    nowMs: () => clock.nowMs(),
    onSegment: () => void purge(jetStream, stream, segments, logger),
    onTrouble: ({ reason, isFinal }: { reason: string; isFinal: boolean }) =>
      isFinal
        ? logger.error({ stream, reason }, "the log is not written any more")
        : logger.warn({ stream, reason }, "the log refuses records for a while"),
  };
  return new JetStreamWriter(deps, fenceSeq);
}

function headersOf({ kind, part, parts, closedBytes }: Outgoing): MsgHdrs {
  const all = headers();
  if (parts > 1) all.set(PART_HEADER, `${part}/${parts}`);
  if (kind === "segment") all.set(CLOSED_BYTES_HEADER, String(closedBytes));
  return all;
}

/** Deletes what is before the first segment. When it fails, the next one does it too. */
async function purge(
  { manager }: JetStream,
  stream: string,
  { all }: SegmentTable,
  logger: Logger,
): Promise<void> {
  const { firstIndex } = all[0]!;
  // A server takes "before 1" as "everything".
  if (firstIndex <= 1) return;
  try {
    await manager.streams.purge(stream, { seq: firstIndex });
  } catch (error) {
    logger.warn({ stream, reason: messageOf(error) }, "old segments are not deleted yet");
  }
}

function logOf(
  { place, logger }: JetStreamLogOptions,
  jetStream: JetStream,
  {
    info,
    segments,
    writer,
    writerName,
    parts,
  }: Opened & { writer: JetStreamWriter; parts: AsyncDisposable },
): TelemetryLog {
  const { stream } = place;
  const replicas = info.config.num_replicas;
  const arrivals = new Arrivals(writer.endSeq - 1);
  return {
    durability: `acknowledged by a quorum of ${replicas} JetStream replica${replicas === 1 ? "" : "s"}`,
    findings: [],
    origin: { kind: "jetstream", place },
    positions: new JetStreamPositions(jetStream, stream, replicas, writerName),
    blocksFolder: `blocks-${stream}-${Date.parse(String(info.created))}`,
    get bytes() {
      return segments.bytes + writer.pendingBytes;
    },
    get segments() {
      return segments.all;
    },
    get firstIndex() {
      return segments.all[0]!.firstIndex;
    },
    get nextIndex() {
      return writer.endSeq;
    },
    reached: (index, signal) => arrivals.reached(index, signal),
    append: async (record) => {
      const index = await writer.append(encodeRecord(record));
      arrivals.arrived(index);
      return index;
    },
    roll: () => writer.roll(),
    read: async function* (fromIndex, toIndex = Number.POSITIVE_INFINITY) {
      const from = Math.max(fromIndex, segments.all[0]!.firstIndex);
      const to = Math.min(toIndex, writer.endSeq);
      for await (const { index, payload } of readRecords(jetStream.manager, stream, from, to))
        yield { index, record: fromBinary(LogRecordSchema, payload) };
    },
    dropOlderThan: async (unixMs) => {
      if (segments.dropOlderThan(unixMs)) await purge(jetStream, stream, segments, logger);
    },
    [Symbol.asyncDispose]: async () => {
      arrivals.close(new LogRefusal("closed", "the log is closed"));
      await parts[Symbol.asyncDispose]();
    },
  };
}
