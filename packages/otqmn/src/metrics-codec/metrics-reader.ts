/** Batches of one stream as the OTLP metrics requests that they were made of; series and points may stand in another order. */
import { clone, create, fromBinary } from "@bufbuild/protobuf";
import { KeyValueSchema } from "@glassline/proto/otlp/common";
import type { Metric, ResourceMetrics, ScopeMetrics } from "@glassline/proto/otlp/metrics";
import {
  MetricSchema,
  ResourceMetricsSchema,
  ScopeMetricsSchema,
} from "@glassline/proto/otlp/metrics";
import type { ExportMetricsServiceRequest } from "@glassline/proto/otlp/metrics-service";
import { ExportMetricsServiceRequestSchema } from "@glassline/proto/otlp/metrics-service";

import { ByteReader, CodecError } from "../bytes.ts";
import { isSqueezed, unsqueeze } from "../compression.ts";
import type { StreamLimits } from "../stream-codec/limits.ts";
import { STREAM_LIMITS } from "../stream-codec/limits.ts";
import { StreamDecoder } from "../stream-codec/stream-decoder.ts";
import type { DataPoint } from "./layout.ts";
import { bigintsOf } from "../words.ts";
import { slotsOf } from "./layout.ts";
import { pointSchemaOfKind } from "./point-schema.ts";

interface Template {
  owner: string;
  head: string;
  point: DataPoint;
  schema: ReturnType<typeof pointSchemaOfKind>;
  columns: number;
  bytes: number;
}

/** A request that is being put together. */
class Assembly {
  readonly request = create(ExportMetricsServiceRequestSchema);
  readonly #resources = new Map<string, ResourceMetrics>();
  readonly #scopes = new Map<string, ScopeMetrics>();
  readonly #metrics = new Map<string, Metric>();

  add({ owner, head }: Template, point: DataPoint): void {
    const metric = this.#metric(owner, head);
    (metric.data.value!.dataPoints as DataPoint[]).push(point);
  }

  #metric(owner: string, head: string): Metric {
    const key = `${owner.length} ${owner}${head}`;
    const known = this.#metrics.get(key);
    if (known) return known;
    const metric = fromBinary(MetricSchema, bytesOf(head));
    this.#metrics.set(key, metric);
    this.#scope(owner).metrics.push(metric);
    return metric;
  }

  #scope(owner: string): ScopeMetrics {
    const known = this.#scopes.get(owner);
    if (known) return known;
    const [resourceText, scopeText] = partsOf(owner);
    const scope = fromBinary(ScopeMetricsSchema, bytesOf(scopeText));
    let resource = this.#resources.get(resourceText);
    if (!resource) {
      resource = fromBinary(ResourceMetricsSchema, bytesOf(resourceText));
      this.#resources.set(resourceText, resource);
      this.request.resourceMetrics.push(resource);
    }
    resource.scopeMetrics.push(scope);
    this.#scopes.set(owner, scope);
    return scope;
  }
}

export class MetricsReader {
  readonly #decoder: StreamDecoder;
  readonly #limits: StreamLimits;
  /** By column: the template of the series that begins there. */
  #templates = new Map<number, Template>();
  #seriesKnown = 0;
  #isBroken = false;

  constructor(limits: StreamLimits = STREAM_LIMITS) {
    this.#limits = limits;
    this.#decoder = new StreamDecoder(limits);
  }

  /** Throws CodecError; then no further batch of this stream can be read. */
  decode(bytes: Uint8Array): ExportMetricsServiceRequest {
    if (this.#isBroken) throw new CodecError("stream: got a batch behind one that was refused");
    // What is thrown on the way leaves it so.
    this.#isBroken = true;
    const request = this.#decode(bytes);
    this.#isBroken = false;
    return request;
  }

  #decode(bytes: Uint8Array): ExportMetricsServiceRequest {
    const reader = new ByteReader(bytes);
    const points = this.#decoder.read(reader.partReader("points"));
    this.#learn();
    const assembly = new Assembly();
    const { column, groups, groupEnd } = points;
    const [bits, groupTimeUnixNano] = [bigintsOf(points.floats), bigintsOf(points.groupTime)];
    const maxBytes = this.#limits.textsMaxBytes;
    let templateBytes = 0;
    for (let group = 0, at = 0; group < groups; group++) {
      while (at < groupEnd[group]!) {
        const template = this.#templates.get(column[at]!);
        if (!template || at + template.columns > groupEnd[group]!)
          throw new CodecError(`column: got ${column[at]}, expected the first one of a series`);
        templateBytes += template.bytes;
        if (templateBytes > maxBytes)
          throw new CodecError(
            `texts of all points: got more than ${maxBytes} bytes, expected at most that`,
          );
        const point = clone(template.schema, template.point);
        slotsOf(point).forEach((slot, index) => slot.set(bits[at + index]!));
        point.timeUnixNano = groupTimeUnixNano[group]!;
        assembly.add(template, point);
        at += template.columns;
      }
    }
    assembly.request.resourceMetrics.push(...this.#rest(reader));
    return assembly.request;
  }

  #learn(): void {
    // A key batch has begun anew.
    if (this.#decoder.seriesCount < this.#seriesKnown || this.#decoder.isAnew) {
      this.#templates = new Map();
      this.#seriesKnown = 0;
    }
    for (; this.#seriesKnown < this.#decoder.seriesCount; this.#seriesKnown++) {
      const { parts, columns, firstColumn } = this.#decoder.series(this.#seriesKnown);
      this.#templates.set(firstColumn, templateOf(parts, columns.length));
    }
  }

  #rest(reader: ByteReader): ResourceMetrics[] {
    if (reader.remaining === 0) return [];
    try {
      const packed = reader.raw(reader.remaining, "rest");
      const isPlain = !isSqueezed(packed);
      const bytes = isPlain ? packed : unsqueeze(packed, "rest", this.#limits.batchMaxBytes);
      return fromBinary(ExportMetricsServiceRequestSchema, bytes).resourceMetrics;
    } catch (error) {
      throw new CodecError("rest: got bytes that are no request", { cause: error });
    }
  }
}

function templateOf(parts: readonly string[], columns: number): Template {
  const [, owner = "", head = "", template = "", ...attributes] = parts;
  try {
    const [resource, scope] = partsOf(owner).map(bytesOf);
    fromBinary(ResourceMetricsSchema, resource!);
    fromBinary(ScopeMetricsSchema, scope!);
    const kind = fromBinary(MetricSchema, bytesOf(head)).data.case;
    if (kind === undefined) throw new Error("a metric without a kind");
    const schema = pointSchemaOfKind(kind);
    const point = fromBinary(schema, bytesOf(template));
    point.attributes = attributes.map((text) => fromBinary(KeyValueSchema, bytesOf(text)));
    const slots = slotsOf(point).length;
    if (slots !== columns) throw new Error(`got ${columns} columns, expected ${slots}`);
    const bytes = parts.reduce((sum, text) => sum + text.length, 0);
    return { owner, head, point, schema, columns, bytes };
  } catch (error) {
    throw new CodecError(`series: ${String(error)}`, { cause: error });
  }
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

/** "5 first..second" -> the first 5 characters, and the rest. */
function partsOf(owner: string): [string, string] {
  const match = /^(\d{1,9}) /.exec(owner);
  if (!match) throw new Error("an owner without its length");
  const from = match[0].length;
  const to = from + Number(match[1]);
  return [owner.slice(from, to), owner.slice(to)];
}
