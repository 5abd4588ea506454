/** Processors of the file. What they do, this collector does by its nature: the log bounds memory, exporters read it in batches. */
import type { Section } from "./section.ts";

const TIMEOUT_MS = 200;
const TIMEOUT_MAX_MS = 60_000;
const NUMBER_MAX = 1_000_000_000;

/** How long the exporters of the processor's pipelines gather, milliseconds. */
export function gatherMsOf(type: string, section: Section): number {
  const gatherMs = type === "batch" ? batch(section) : memoryLimiter(section);
  section.end();
  return gatherMs;
}

function batch(section: Section): number {
  for (const key of ["send_batch_size", "send_batch_max_size"]) {
    section.integer(key, 0, NUMBER_MAX);
    section.note(key, "has no effect: requests are cut at about 2 MiB");
  }
  section.refuse("metadata_keys", "headers of senders are not kept");
  section.refuse("metadata_cardinality_limit", "headers of senders are not kept");
  const timeoutMs = section.durationMs("timeout") ?? TIMEOUT_MS;
  if (timeoutMs > TIMEOUT_MAX_MS)
    section.problem(section.placeOf("timeout"), `${timeoutMs} ms`, "at most 60s", "timeout");
  return timeoutMs;
}

function memoryLimiter(section: Section): number {
  section.durationMs("check_interval");
  for (const key of [
    "limit_mib",
    "spike_limit_mib",
    "limit_percentage",
    "spike_limit_percentage",
  ]) {
    section.integer(key, 0, NUMBER_MAX);
    section.note(
      key,
      "has no effect: --otlp-memory, --otqmn-memory and --recent-size bound memory",
    );
  }
  return 0;
}
