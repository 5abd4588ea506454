/** What bytes of OTLP requests mean that come again and again: resources, metrics, attributes of points. Bounded. */
import { fromBinary } from "@bufbuild/protobuf";
import type { CameraFacts, Series, SeriesKind } from "@glassline/otqmn/sample";
import { InstrumentationScopeSchema } from "@glassline/proto/otlp/common";
import { MetricSchema, NumberDataPointSchema } from "@glassline/proto/otlp/metrics";
import { ResourceSchema } from "@glassline/proto/otlp/resource";

import { cameraOf, shortened, textsOf } from "./otlp.ts";

/** All is forgotten when there are more series than this, or texts of more bytes. */
const SERIES_MAX = 500_000;
const KEYS_MAX_BYTES = 67_108_864;

/** Bytes that protobuf refuses, or of which it is better that it says something. */
class Refused extends Error {}

export interface MetricDefinition {
  name: string;
  unit: string;
  kind: SeriesKind;
  /** By the bytes of the attributes. */
  columns: Map<string, number>;
}

export interface ResourceDefinition {
  facts: CameraFacts;
  isNew: boolean;
  /** By kind and the bytes before the data. */
  metrics: Map<string, MetricDefinition>;
}

export class OtlpDefinitions {
  #series: Series[] = [];
  readonly #resources = new Map<string, ResourceDefinition>();
  /** Texts and scopes that are well formed. */
  readonly #checked = new Set<string>();
  readonly #text = new TextDecoder("utf-8", { fatal: true });
  #keyBytes = 0;

  static isRefusal(error: unknown): boolean {
    return error instanceof Refused;
  }

  /** By column. */
  get series(): readonly Series[] {
    return this.#series;
  }

  /** Between two requests. */
  makeRoom(): void {
    if (this.#series.length <= SERIES_MAX && this.#keyBytes <= KEYS_MAX_BYTES) return;
    this.#series = [];
    this.#resources.clear();
    this.#checked.clear();
    this.#keyBytes = 0;
  }

  resource(bytes: Buffer, from: number, to: number): ResourceDefinition {
    const key = keyOf(bytes, from, to);
    let resource = this.#resources.get(key);
    if (!resource) {
      const { attributes } = orRefused(() => fromBinary(ResourceSchema, bytes.subarray(from, to)));
      const texts = textsOf(attributes);
      const facts = { cameraId: cameraOf(texts), attributes: texts };
      resource = { facts, isNew: true, metrics: new Map() };
      this.#resources.set(this.#keep(key), resource);
    }
    return resource;
  }

  /** @param from and `to` name, description and unit. Without a name it is for others to say what is wrong. */
  metric(
    { metrics }: ResourceDefinition,
    bytes: Buffer,
    from: number,
    to: number,
    kind: SeriesKind,
  ): MetricDefinition {
    const key = kind + keyOf(bytes, from, to);
    let metric = metrics.get(key);
    if (!metric) {
      const { name, unit } = orRefused(() => fromBinary(MetricSchema, bytes.subarray(from, to)));
      if (name === "") throw new Refused();
      metric = { name: shortened(name), unit: shortened(unit), kind, columns: new Map() };
      metrics.set(this.#keep(key), metric);
    }
    return metric;
  }

  /** @param from and `to` fields of attributes as in a point. */
  column(
    { facts: { cameraId } }: ResourceDefinition,
    { name, unit, kind, columns }: MetricDefinition,
    bytes: Buffer,
    from: number,
    to: number,
  ): number {
    const key = from === to ? "" : keyOf(bytes, from, to);
    let column = columns.get(key);
    if (column === undefined) {
      const point = orRefused(() => fromBinary(NumberDataPointSchema, bytes.subarray(from, to)));
      const attributes = textsOf(point.attributes);
      column = this.#series.push({ cameraId, metric: name, unit, kind, attributes }) - 1;
      columns.set(this.#keep(key), column);
    }
    return column;
  }

  checkText(bytes: Buffer, from: number, to: number): void {
    this.#check("", bytes, from, to, (part) => this.#text.decode(part));
  }

  checkScope(bytes: Buffer, from: number, to: number): void {
    this.#check("scope", bytes, from, to, (part) => fromBinary(InstrumentationScopeSchema, part));
  }

  #check(
    kind: string,
    bytes: Buffer,
    from: number,
    to: number,
    decode: (part: Uint8Array) => unknown,
  ): void {
    const key = kind + keyOf(bytes, from, to);
    if (this.#checked.has(key)) return;
    orRefused(() => decode(bytes.subarray(from, to)));
    this.#checked.add(this.#keep(key));
  }

  #keep(key: string): string {
    this.#keyBytes += key.length + 64;
    return key;
  }
}

/** One character a byte. */
function keyOf(bytes: Buffer, from: number, to: number): string {
  return bytes.toString("latin1", from, to);
}

function orRefused<T>(decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new Refused("", { cause });
  }
}
