/** The stream of a log: its subjects and its settings. */
import type { JetStreamManager, StreamInfo } from "@nats-io/jetstream";
import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  StorageType,
} from "@nats-io/jetstream";
import { OperatorError } from "@glassline/service/errors";

/** Subjects of a stream. All but `writer` are stored. */
export function subjectsOf(stream: string) {
  return {
    /** Records, or parts of them. */
    record: `${stream}.record`,
    /** Where a segment begins: small messages, so that a start can list them; the checkpoint is the record behind it. */
    segment: `${stream}.segment`,
    /** Who writes from here on. */
    fence: `${stream}.fence`,
    /** Asked before a collector begins to write: one that lives answers. */
    writer: `${stream}.writer`,
  };
}

/** Makes the stream if there is none. Rejects with OperatorError when there is one that does not keep what was acknowledged. */
export async function ensureStream(
  manager: JetStreamManager,
  stream: string,
  replicas: number,
): Promise<StreamInfo> {
  const info = (await findStream(manager, stream)) ?? (await makeStream(manager, stream, replicas));
  const problem = problemOf(info, replicas);
  if (problem) throw new OperatorError(`--log-nats-stream ${stream}: ${problem}.`);
  return info;
}

export async function findStream(
  manager: JetStreamManager,
  stream: string,
): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(stream);
  } catch (error) {
    if (codeOf(error) === JetStreamApiCodes.StreamNotFound) return undefined;
    throw error;
  }
}

async function makeStream(manager: JetStreamManager, stream: string, replicas: number) {
  const { record, segment, fence } = subjectsOf(stream);
  return manager.streams.add({
    name: stream,
    subjects: [record, segment, fence],
    storage: StorageType.File,
    num_replicas: replicas,
    discard: DiscardPolicy.New,
  });
}

/** What of the settings would lose records, or acknowledge them too early. */
function problemOf({ config }: StreamInfo, replicas: number): string | undefined {
  if (config.num_replicas < replicas)
    return `the stream has ${config.num_replicas} replicas, expected ${replicas} (--log-nats-replicas)`;
  if (config.storage !== StorageType.File)
    return `the stream is stored in ${config.storage}, expected ${StorageType.File}`;
  const { record, segment, fence } = subjectsOf(config.name);
  const missing = [record, segment, fence].find((subject) => !config.subjects.includes(subject));
  if (missing) return `the stream does not take ${missing}`;
  const hasLimits = [config.max_age, config.max_bytes, config.max_msgs].some((limit) => limit > 0);
  if (hasLimits)
    return "the stream has limits of its own (max_age, max_bytes or max_msgs), expected none: --log-size and --log-age drop whole segments";
  return undefined;
}

/** JetStream's error code, when it is an answer of JetStream. */
export function codeOf(error: unknown): number | undefined {
  return error instanceof JetStreamApiError ? error.code : undefined;
}
