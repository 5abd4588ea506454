/** Processors of the file. The log is what batches: exporters read it in requests of their own size. */
import type { Setting } from "./receivers.ts";
import type { Section } from "./section.ts";

const TIMEOUT_MS = 200;
const TIMEOUT_MAX_MS = 60_000;
const NUMBER_MAX = 1_000_000_000;
const MIB = 1_048_576;
/** Of the limit, when no spike is given. */
const SPIKE_SHARE = 0.2;

export interface Processor {
  /** How long the exporters of the processor's pipelines gather, milliseconds. */
  gatherMs: number;
  /** Of this process, when the processor is used. */
  memoryLimit?: Setting;
}

export function processorOf(type: string, section: Section): Processor {
  const processor = type === "batch" ? batch(section) : memoryLimiter(section);
  section.end();
  return processor;
}

function batch(section: Section): Processor {
  for (const key of ["send_batch_size", "send_batch_max_size"]) {
    section.integer(key, 0, NUMBER_MAX);
    section.note(key, "has no effect: requests are cut at about 2 MiB");
  }
  section.refuse("metadata_keys", "headers of senders are not kept");
  section.refuse("metadata_cardinality_limit", "headers of senders are not kept");
  const timeoutMs = section.durationMs("timeout") ?? TIMEOUT_MS;
  if (timeoutMs > TIMEOUT_MAX_MS)
    section.problem(section.placeOf("timeout"), `${timeoutMs} ms`, "at most 60s", "timeout");
  return { gatherMs: timeoutMs };
}

/**
 * Refuses data above the limit less the spike, as the Collector's does; a size counts more than a share.
 * Source: https://github.com/open-telemetry/opentelemetry-collector/tree/main/processor/memorylimiterprocessor
 */
function memoryLimiter(section: Section): Processor {
  section.durationMs("check_interval");
  const { memoryBytes } = section.reading.lookup;
  const memoryLimit = [
    limitOf(section, "limit_mib", "spike_limit_mib", NUMBER_MAX, MIB),
    limitOf(section, "limit_percentage", "spike_limit_percentage", 100, memoryBytes / 100),
  ].find((limit) => limit !== undefined);
  if (!memoryLimit)
    section.problem(section.place, "no limit", "limit_mib or limit_percentage of at least 1");
  return { gatherMs: 0, ...(memoryLimit && { memoryLimit }) };
}

/** Undefined when it is not given, or wrong. */
function limitOf(
  section: Section,
  key: string,
  spikeKey: string,
  max: number,
  unitBytes: number,
): Setting | undefined {
  const limit = section.integer(key, 0, max) ?? 0;
  const spike = section.integer(spikeKey, 0, max) || limit * SPIKE_SHARE;
  if (limit === 0) return undefined;
  if (spike >= limit)
    section.problem(section.placeOf(spikeKey), String(spike), `less than ${key}`, spikeKey);
  return {
    text: `${Math.floor((limit - spike) * unitBytes)}B`,
    where: section.whereOf(key),
  };
}
