/** A GoPro recording's telemetry as samples of series: every numeric component, texts as facts, nulls counted. Pure. */
import type { Series } from "@glassline/otqmn/sample";
import { METRIC_CAMERA_SOURCE_NULLS, METRICS } from "@glassline/telemetry/conventions";

/** What gopro-telemetry gives, as far as it is used here. */
export interface GpmfDevice {
  "device name"?: string;
  streams?: Record<string, GpmfStream>;
}

export interface GpmfStream {
  name?: string;
  units?: string | string[];
  samples?: GpmfSample[];
}

export interface GpmfSample {
  value?: unknown;
  /** Milliseconds since the start of the recording. */
  cts?: number;
  sticky?: Record<string, unknown>;
}

export interface RecordedSample {
  series: Series;
  /** Since the start of the recording. */
  offsetNano: bigint;
  value: number;
}

export interface Recording {
  /** In order of time. */
  samples: readonly RecordedSample[];
  attributes: Readonly<Record<string, string>>;
  /** Components without a value in one pass. */
  nulls: number;
  /** By how much a counter grows in one pass. */
  growth: ReadonlyMap<Series, number>;
  /** One pass: as long as the picture. What lies behind its end overlaps with the next pass. */
  lengthMs: number;
}

/** @param videoLengthMs length of the picture. */
export function recordingOf(
  cameraId: string,
  devices: readonly GpmfDevice[],
  videoLengthMs: number,
): Recording {
  const builder = new RecordingBuilder(cameraId, sharedStreams(devices));
  for (const device of devices) {
    for (const [fourcc, stream] of Object.entries(device.streams ?? {}))
      builder.addStream(fourcc, stream, device);
  }
  return builder.finish(videoLengthMs);
}

/** Streams that more than one device of the recording has: their series are told apart by the device's name. */
function sharedStreams(devices: readonly GpmfDevice[]): Set<string> {
  const names = devices.flatMap((device) => Object.keys(device.streams ?? {}));
  return new Set(names.filter((name, at) => names.indexOf(name) !== at));
}

/** What recordings call a unit, where UCUM calls it otherwise. "ss": one letter for each of two components. */
const UCUM_UNITS: Readonly<Record<string, string>> = {
  degC: "Cel",
  "m/s²": "m/s2",
  rpm: "/min",
  ss: "s",
};

class RecordingBuilder {
  readonly #cameraId: string;
  readonly #shared: ReadonlySet<string>;
  readonly #samples: RecordedSample[] = [];
  readonly #attributes: Record<string, string> = {};
  readonly #series = new Map<string, Series>();
  readonly #nulls = new Map<string, number>();
  readonly #growth = new Map<Series, number>();
  readonly #devices = new Set<string>();

  constructor(cameraId: string, shared: ReadonlySet<string>) {
    this.#cameraId = cameraId;
    this.#shared = shared;
  }

  addStream(fourcc: string, stream: GpmfStream, device: GpmfDevice): void {
    const deviceName = device["device name"] ?? "";
    if (deviceName !== "") this.#devices.add(deviceName);
    const context = {
      fourcc,
      units: stream.units,
      device: this.#shared.has(fourcc) ? deviceName : undefined,
    };
    for (const sample of stream.samples ?? []) {
      const offsetNano = BigInt(Math.round((sample.cts ?? 0) * 1_000)) * 1_000n;
      componentsOf(sample.value).forEach((component, index, all) =>
        this.#component(context, component, all.length === 1 ? undefined : index, offsetNano),
      );
      for (const [name, value] of Object.entries(sample.sticky ?? {}))
        this.#sticky(context, name, value, offsetNano);
    }
  }

  finish(videoLengthMs: number): Recording {
    const samples = this.#samples.toSorted((a, b) =>
      a.offsetNano < b.offsetNano ? -1 : a.offsetNano > b.offsetNano ? 1 : 0,
    );
    const lastMs = Number((samples.at(-1)?.offsetNano ?? 0n) / 1_000_000n) + 1;
    const nulls = [...this.#nulls.values()].reduce((sum, count) => sum + count, 0);
    const attributes = { "device.model.name": [...this.#devices].join(" + "), ...this.#attributes };
    return {
      samples,
      attributes,
      nulls,
      growth: this.#growth,
      lengthMs: videoLengthMs > 0 ? videoLengthMs : lastMs,
    };
  }

  #component(
    context: StreamContext,
    component: unknown,
    index: number | undefined,
    offsetNano: bigint,
  ): void {
    if (typeof component === "number") {
      this.#samples.push({ series: this.#seriesOf(context, index), offsetNano, value: component });
    } else if (typeof component === "string") {
      this.#attributes[
        metricOfStream(context.fourcc).metric + (index === undefined ? "" : `.${index}`)
      ] = component;
    } else if (component === null || component === undefined)
      this.#null(context.fourcc, offsetNano);
  }

  #sticky(context: StreamContext, name: string, value: unknown, offsetNano: bigint): void {
    const metric = Object.entries(METRICS).find(([, { gpmf }]) => gpmf?.sticky === name)?.[0];
    if (metric === undefined || typeof value !== "number") return;
    const series = this.#define(metric, METRICS[metric]!.unit, {
      stream: context.fourcc.toLowerCase(),
    });
    this.#samples.push({ series, offsetNano, value });
  }

  #null(fourcc: string, offsetNano: bigint): void {
    const count = (this.#nulls.get(fourcc) ?? 0) + 1;
    this.#nulls.set(fourcc, count);
    const { unit } = METRICS[METRIC_CAMERA_SOURCE_NULLS]!;
    const series = this.#define(
      METRIC_CAMERA_SOURCE_NULLS,
      unit,
      { stream: fourcc.toLowerCase() },
      "counter",
    );
    this.#growth.set(series, count);
    this.#samples.push({ series, offsetNano, value: count });
  }

  #seriesOf({ fourcc, units, device }: StreamContext, index: number | undefined): Series {
    const { metric, components } = metricOfStream(fourcc);
    const recorded = Array.isArray(units) ? units[index ?? 0] : units;
    return this.#define(
      metric,
      METRICS[metric]?.unit ?? UCUM_UNITS[recorded ?? ""] ?? recorded ?? "",
      {
        ...(index !== undefined && { component: components[index] ?? String(index) }),
        ...(device !== undefined && { device }),
      },
    );
  }

  #define(
    metric: string,
    unit: string,
    attributes: Record<string, string>,
    kind: Series["kind"] = "gauge",
  ): Series {
    const key = JSON.stringify([metric, attributes]);
    const known = this.#series.get(key) ?? {
      cameraId: this.#cameraId,
      metric,
      unit,
      kind,
      attributes,
    };
    this.#series.set(key, known);
    return known;
  }
}

interface StreamContext {
  fourcc: string;
  units: string | string[] | undefined;
  device: string | undefined;
}

/** The convention's metric for a stream, or one named after its FourCC. */
function metricOfStream(fourcc: string): { metric: string; components: readonly string[] } {
  const found = Object.entries(METRICS).find(([, { gpmf }]) => gpmf?.stream === fourcc);
  if (found) return { metric: found[0], components: found[1].gpmf?.components ?? [] };
  return {
    metric: `camera.gpmf.${fourcc.toLowerCase().replaceAll(/[^a-z0-9]/g, "_")}`,
    components: [],
  };
}

/** Vectors and nested vectors flattened; anything else as one component. */
export function componentsOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value.flatMap(componentsOf);
  if (value !== null && typeof value === "object")
    return Object.values(value).flatMap(componentsOf);
  return [value];
}
