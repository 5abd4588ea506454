/**
 * Points straight from the bytes of OTLP metrics requests, for requests of gauges and sums as exporters write them. Definitions of series
 * are decoded when their bytes come for the first time; then the bytes are enough. What is unusual is left to the decoder of
 * protobuf (core/otlp-accept.ts), which is several times slower, and which alone says what is wrong with a request.
 * Source: opentelemetry/proto/metrics/v1/metrics.proto, https://protobuf.dev/programming-guides/encoding/
 */
import type { CameraFacts, Series } from "@glassline/otqmn/sample";

import type { MetricDefinition, ResourceDefinition } from "./otlp-definitions.ts";
import { OtlpDefinitions } from "./otlp-definitions.ts";
import { PointColumns } from "./point-columns.ts";
import type { RecordPoints } from "./record-reader.ts";

/** Field and wire type, as one byte: (number << 3) | type. */
const REQUEST = { resourceMetrics: 0x0a } as const;
const RESOURCE_METRICS = { resource: 0x0a, scopeMetrics: 0x12, schemaUrl: 0x1a } as const;
const SCOPE_METRICS = { scope: 0x0a, metrics: 0x12, schemaUrl: 0x1a } as const;
const METRIC = { name: 0x0a, description: 0x12, unit: 0x1a, gauge: 0x2a, sum: 0x3a } as const;
const DATA = { points: 0x0a, temporality: 0x10, isMonotonic: 0x18 } as const;
const POINT = {
  startTime: 0x11,
  time: 0x19,
  double: 0x21,
  int: 0x31,
  attributes: 0x3a,
  flags: 0x40,
} as const;
const NO_RECORDED_VALUE = 1;
const FIXED64_BYTES = 8;
const WORD = 4_294_967_296;

/** The request is right perhaps, but not as exporters write it. */
class Unusual extends Error {}

export class MetricsWalker {
  readonly #definitions = new OtlpDefinitions();
  readonly #columns = new PointColumns();
  #cameras: CameraFacts[] = [];
  #bytes: Buffer = Buffer.alloc(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;

  /** All series that were met; grows, until there are too many: then it is another array. */
  get series(): readonly Series[] {
    return this.#definitions.series;
  }

  /** The request's points; undefined when it has to be decoded. Facts about cameras are only news. */
  walk(request: Uint8Array): RecordPoints | undefined {
    this.#bytes = Buffer.from(request.buffer, request.byteOffset, request.length);
    this.#view = new DataView(request.buffer, request.byteOffset, request.length);
    this.#at = 0;
    this.#cameras = [];
    this.#columns.clear();
    this.#definitions.makeRoom();
    try {
      while (this.#at < request.length) {
        if (this.#byte() !== REQUEST.resourceMetrics) throw new Unusual();
        this.#resourceMetrics(this.#end(request.length));
      }
    } catch (error) {
      if (error instanceof Unusual || error instanceof RangeError) return undefined;
      // Bytes that protobuf refuses: it will say so itself.
      if (OtlpDefinitions.isRefusal(error)) return undefined;
      throw error;
    }
    return { series: this.series, cameras: this.#cameras, ...this.#columns.taken() };
  }

  #resourceMetrics(end: number): void {
    let resource: ResourceDefinition | undefined;
    while (this.#at < end) {
      const tag = this.#byte();
      const to = this.#end(end);
      if (tag === RESOURCE_METRICS.scopeMetrics)
        this.#scopeMetrics(to, (resource ??= this.#resource(this.#at, this.#at)));
      else if (tag === RESOURCE_METRICS.resource && !resource)
        resource = this.#resource(this.#at, to);
      else if (tag === RESOURCE_METRICS.schemaUrl) this.#text(to);
      else throw new Unusual();
      this.#at = to;
    }
  }

  #resource(from: number, to: number): ResourceDefinition {
    const definition = this.#definitions.resource(this.#bytes, from, to);
    if (definition.isNew) {
      definition.isNew = false;
      this.#cameras.push(definition.facts);
    }
    return definition;
  }

  #scopeMetrics(end: number, resource: ResourceDefinition): void {
    while (this.#at < end) {
      const tag = this.#byte();
      const to = this.#end(end);
      if (tag === SCOPE_METRICS.metrics) this.#metric(to, resource);
      else if (tag === SCOPE_METRICS.scope) this.#definitions.checkScope(this.#bytes, this.#at, to);
      else if (tag === SCOPE_METRICS.schemaUrl) this.#text(to);
      else throw new Unusual();
      this.#at = to;
    }
  }

  /** Name, description and unit come before the data: together they are known by their bytes. */
  #metric(end: number, resource: ResourceDefinition): void {
    const from = this.#at;
    while (this.#at < end) {
      const tagAt = this.#at;
      const tag = this.#byte();
      const to = this.#end(end);
      if (tag === METRIC.gauge || tag === METRIC.sum) {
        if (to !== end) throw new Unusual();
        const kind = tag === METRIC.sum && this.#isMonotonic(to) ? "counter" : "gauge";
        const metric = this.#definitions.metric(resource, this.#bytes, from, tagAt, kind);
        return this.#points(to, resource, metric, tag === METRIC.sum);
      }
      if (tag !== METRIC.name && tag !== METRIC.description && tag !== METRIC.unit)
        throw new Unusual();
      this.#at = to;
    }
    throw new Unusual();
  }

  /** Looks ahead: the field comes behind the points. */
  #isMonotonic(end: number): boolean {
    const from = this.#at;
    let isMonotonic = false;
    while (this.#at < end) {
      const tag = this.#byte();
      if (tag === DATA.points) this.#at = this.#end(end);
      else if (tag === DATA.isMonotonic) isMonotonic = this.#varint() !== 0;
      else if (tag === DATA.temporality) this.#varint();
      else throw new Unusual();
    }
    this.#expectEnd(end);
    this.#at = from;
    return isMonotonic;
  }

  #points(
    end: number,
    resource: ResourceDefinition,
    metric: MetricDefinition,
    isSum: boolean,
  ): void {
    while (this.#at < end) {
      const tag = this.#byte();
      if (tag === DATA.points) {
        const to = this.#end(end);
        this.#point(to, resource, metric);
        this.#at = to;
      } else if (isSum && (tag === DATA.temporality || tag === DATA.isMonotonic)) this.#varint();
      else throw new Unusual();
    }
    this.#expectEnd(end);
  }

  #point(end: number, resource: ResourceDefinition, metric: MetricDefinition): void {
    let [attributesFrom, attributesTo, low, high, flags] = [0, 0, 0, 0, 0];
    let value: number | undefined;
    while (this.#at < end) {
      const tagAt = this.#at;
      const tag = this.#byte();
      if (tag === POINT.attributes) {
        const to = this.#end(end);
        if (attributesTo === 0) attributesFrom = tagAt;
        else if (attributesTo !== tagAt) throw new Unusual();
        attributesTo = this.#at = to;
      } else if (tag === POINT.flags) flags = this.#varint();
      else {
        const at = this.#fixed64(end);
        if (tag === POINT.time) {
          low = this.#view.getUint32(at, true);
          high = this.#view.getUint32(at + 4, true);
        } else if (tag === POINT.double) value = this.#view.getFloat64(at, true);
        else if (tag === POINT.int)
          value = this.#view.getInt32(at + 4, true) * WORD + this.#view.getUint32(at, true);
        else if (tag !== POINT.startTime) throw new Unusual();
      }
    }
    this.#expectEnd(end);
    // One without a value has to be refused with a reason.
    if (value === undefined && (flags & NO_RECORDED_VALUE) === 0) throw new Unusual();
    const column = this.#definitions.column(
      resource,
      metric,
      this.#bytes,
      attributesFrom,
      attributesTo,
    );
    if (value !== undefined) this.#columns.add(column, value, low, high);
  }

  #text(to: number): void {
    this.#definitions.checkText(this.#bytes, this.#at, to);
  }

  /** Fields end where what holds them ends. */
  #expectEnd(end: number): void {
    if (this.#at !== end) throw new Unusual();
  }

  #byte(): number {
    return this.#bytes[this.#at++]!;
  }

  #varint(): number {
    let value = 0;
    for (let shift = 1; shift <= 2 ** 42; shift *= 0x80) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
    throw new Unusual();
  }

  /** Of what has this length. */
  #end(limit: number): number {
    const length = this.#varint();
    const end = this.#at + length;
    if (end > limit) throw new Unusual();
    return end;
  }

  #fixed64(limit: number): number {
    const at = this.#at;
    this.#at += FIXED64_BYTES;
    if (this.#at > limit) throw new Unusual();
    return at;
  }
}
