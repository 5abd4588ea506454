/** OTLP metrics requests as batches of one stream. */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { clone, create, toBinary } from "@bufbuild/protobuf";
import { KeyValueSchema } from "@glassline/proto/otlp/common";
import type { Metric, ResourceMetrics, ScopeMetrics } from "@glassline/proto/otlp/metrics";
import {
  MetricSchema,
  ResourceMetricsSchema,
  ScopeMetricsSchema,
} from "@glassline/proto/otlp/metrics";
import type { ExportMetricsServiceRequest } from "@glassline/proto/otlp/metrics-service";
import { ExportMetricsServiceRequestSchema } from "@glassline/proto/otlp/metrics-service";

import { ByteWriter } from "../bytes.ts";
import { squeeze } from "../compression.ts";
import { SeriesEncoder, orAnew } from "../stream-codec/series-encoder.ts";
import type { StreamEncoderOptions } from "../stream-codec/stream-encoder.ts";
import type { DataPoint } from "./layout.ts";
import { clear, columnsOf, slotsOf } from "./layout.ts";
import { pointSchemaOf } from "./point-schema.ts";

interface Rows {
  column: number[];
  time: bigint[];
  bits: bigint[];
}

export class MetricsWriter {
  readonly #stream: SeriesEncoder;
  readonly #compress: boolean;

  constructor(options: StreamEncoderOptions = {}) {
    this.#stream = new SeriesEncoder(options);
    this.#compress = options.compress ?? true;
  }

  /** The next batch is a key batch; series that do not come any more are forgotten. */
  beginAnew(): void {
    this.#stream.beginAnew();
  }

  /**
   * One batch: length of the points (varint), the points, and what does not fit their columns as a request, by zstd unless there is no compressor. Begins anew when the
   * series since the last key batch are too many; throws CodecError for a request that is too large by itself.
   */
  encode(request: ExportMetricsServiceRequest): Uint8Array {
    return orAnew(this, () => this.#encode(request));
  }

  #encode(request: ExportMetricsServiceRequest): Uint8Array {
    const rows: Rows = { column: [], time: [], bits: [] };
    const rest = create(ExportMetricsServiceRequestSchema);
    for (const resource of request.resourceMetrics) {
      const left = resource.scopeMetrics.map((scope) => this.#takeScope(resource, scope, rows));
      const kept = left.filter((scope) => scope !== undefined);
      if (kept.length > 0 || resource.scopeMetrics.length === 0)
        rest.resourceMetrics.push({ ...resource, scopeMetrics: kept });
    }
    const writer = new ByteWriter();
    const points = this.#stream.encode({
      count: rows.column.length,
      column: Uint32Array.from(rows.column),
      timeUnixNano: BigUint64Array.from(rows.time),
      bits: BigUint64Array.from(rows.bits),
    });
    writer.part(points);
    if (rest.resourceMetrics.length > 0) {
      const bytes = toBinary(ExportMetricsServiceRequestSchema, rest);
      writer.raw(this.#compress ? squeeze(bytes) : bytes);
    }
    return writer.finish();
  }

  /** @returns what could not be taken. */
  #takeScope(resource: ResourceMetrics, scope: ScopeMetrics, rows: Rows): ScopeMetrics | undefined {
    const owner = ownerOf(resource, scope);
    const left = scope.metrics.flatMap((metric) => this.#takeMetric(owner, metric, rows));
    return left.length > 0 || scope.metrics.length === 0 ? { ...scope, metrics: left } : undefined;
  }

  #takeMetric(owner: string, metric: Metric, rows: Rows): Metric[] {
    const { data } = metric;
    if (data.case === undefined || data.value.dataPoints.length === 0) return [metric];
    const points = data.value.dataPoints as DataPoint[];
    // Exemplars are different each time: a column for each would be one too many.
    const left = points.filter((point) => "exemplars" in point && point.exemplars.length > 0);
    const head = headOf(metric);
    for (const point of points)
      if (!left.includes(point)) this.#takePoint(owner, head, metric.name, point, rows);
    if (left.length === 0) return [];
    const rest = clone(MetricSchema, metric);
    Object.assign(rest.data.value!, { dataPoints: left });
    return [rest];
  }

  #takePoint(owner: string, head: string, name: string, point: DataPoint, rows: Rows): void {
    const slots = slotsOf(point);
    const first = this.#columnOf(owner, head, name, point);
    slots.forEach((slot, index) => {
      rows.column.push(first + index);
      rows.time.push(point.timeUnixNano);
      rows.bits.push(slot.get());
    });
  }

  #columnOf(owner: string, head: string, name: string, point: DataPoint): number {
    const schema = pointSchemaOf(point);
    // Attributes apart: many series have one in common.
    const attributes = point.attributes.map((each) => textOf(KeyValueSchema, each));
    const template = textOf(schema, clear(clone(schema, { ...point, attributes: [] })) as never);
    const parts = [name, owner, head, template, ...attributes];
    return this.#stream.columnOf(parts, () => columnsOf(slotsOf(point)));
  }
}

/** Messages as texts: each byte a character below 256. */
function textOf<D extends DescMessage>(schema: D, message: MessageShape<D>): string {
  return Buffer.from(toBinary(schema, message)).toString("latin1");
}

function ownerOf(resource: ResourceMetrics, scope: ScopeMetrics): string {
  const [first, second] = [
    textOf(ResourceMetricsSchema, { ...resource, scopeMetrics: [] }),
    textOf(ScopeMetricsSchema, { ...scope, metrics: [] }),
  ];
  return `${first.length} ${first}${second}`;
}

/** A metric without its points. */
function headOf(metric: Metric): string {
  const head = { ...metric, data: { ...metric.data } } as Metric;
  if (head.data.value) head.data.value = { ...head.data.value, dataPoints: [] } as never;
  return textOf(MetricSchema, head);
}
