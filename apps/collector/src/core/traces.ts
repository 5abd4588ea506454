/** Recent traces, bounded: the oldest go first. */

export interface Hop {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  service: string;
  instance: string;
  name: string;
  startUnixNano: bigint;
  endUnixNano: bigint;
  attributes: Record<string, string>;
}

export interface Trace {
  traceId: string;
  /** In order of arrival. */
  hops: Hop[];
  /** When the last hop came. */
  updatedMs: number;
}

export interface TraceSummary {
  traceId: string;
  cameraId: string;
  startUnixNano: bigint;
  durationNano: bigint;
  spanCount: number;
  services: string[];
}

/** The attribute that says which camera a trace is about. */
export const CAMERA_ID_ATTRIBUTE = "camera.id";

/** Processes export their spans in groups: a trace is whole when nothing has come for so long. */
const SETTLED_MS = 1_500;

export class Traces {
  readonly #tracesMax: number;
  readonly #hopsMax: number;
  readonly #traces = new Map<string, Trace>();
  droppedHops = 0;

  constructor({ tracesMax, hopsMax }: { tracesMax: number; hopsMax: number }) {
    this.#tracesMax = tracesMax;
    this.#hopsMax = hopsMax;
  }

  add(hop: Hop, nowMs: number): void {
    const trace = this.#traces.get(hop.traceId) ?? {
      traceId: hop.traceId,
      hops: [],
      updatedMs: nowMs,
    };
    if (trace.hops.length >= this.#hopsMax) {
      this.droppedHops++;
      return;
    }
    if (trace.hops.some(({ spanId }) => spanId === hop.spanId)) return;
    trace.hops.push(hop);
    trace.updatedMs = nowMs;
    this.#traces.set(hop.traceId, trace);
    if (this.#traces.size > this.#tracesMax) this.#traces.delete(this.#traces.keys().next().value!);
  }

  /** In order of start. */
  hops(traceId: string): Hop[] | undefined {
    const trace = this.#traces.get(traceId);
    return trace?.hops.toSorted(
      (a, b) => compare(a.startUnixNano, b.startUnixNano) || compare(a.endUnixNano, b.endUnixNano),
    );
  }

  /** Newest first. Traces whose hops still come in are left out. */
  summaries(limit: number, cameraId: string, nowMs: number): TraceSummary[] {
    const summaries: TraceSummary[] = [];
    for (const trace of [...this.#traces.values()].toReversed()) {
      if (nowMs - trace.updatedMs < SETTLED_MS) continue;
      const summary = summarise(trace);
      if (cameraId === "" || summary.cameraId === cameraId) summaries.push(summary);
      if (summaries.length >= limit) break;
    }
    return summaries;
  }
}

export function summarise({ traceId, hops }: Pick<Trace, "traceId" | "hops">): TraceSummary {
  const ordered = hops.toSorted((a, b) => compare(a.startUnixNano, b.startUnixNano));
  const startUnixNano = ordered[0]?.startUnixNano ?? 0n;
  const endUnixNano = hops.reduce(
    (end, hop) => (hop.endUnixNano > end ? hop.endUnixNano : end),
    startUnixNano,
  );
  return {
    traceId,
    cameraId:
      hops.find((hop) => hop.attributes[CAMERA_ID_ATTRIBUTE] !== undefined)?.attributes[
        CAMERA_ID_ATTRIBUTE
      ] ?? "",
    startUnixNano,
    durationNano: endUnixNano - startUnixNano,
    spanCount: hops.length,
    services: [...new Set(ordered.map(({ service, instance }) => instance || service))],
  };
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
