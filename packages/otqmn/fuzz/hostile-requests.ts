/** Metrics requests whose templates want more than their points are worth. */
import { create, toBinary } from "@bufbuild/protobuf";
import { MetricSchema, NumberDataPointSchema } from "@glassline/proto/otlp/metrics";

import type { SeriesDefinition } from "../src/stream-codec/series-definition.ts";
import { StreamEncoder } from "../src/stream-codec/stream-encoder.ts";
import { squeeze } from "../src/compression.ts";
import type { Input } from "./corpus-file.ts";
import { bytes } from "./hostile-stream.ts";

const NOW = 1_790_000_000_000_000_000n;
/** A text of a key and a string of 60,000 characters: KeyValue. */
const LONG_ATTRIBUTE = latin1(
  bytes((writer) => {
    writer.raw(Uint8Array.of(0x0a, 1, 0x6b, 0x12));
    writer.part(
      bytes((value) => {
        value.raw(Uint8Array.of(0x0a));
        value.part(new Uint8Array(60_000).fill(0x78));
      }),
    );
  }),
);

function latin1(some: Uint8Array): string {
  return Buffer.from(some).toString("latin1");
}

const head = latin1(
  toBinary(
    MetricSchema,
    create(MetricSchema, { name: "m", data: { case: "gauge", value: { dataPoints: [] } } }),
  ),
);

function template(flags: number): string {
  const value = { case: "asDouble", value: 0 } as const;
  return latin1(toBinary(NumberDataPointSchema, create(NumberDataPointSchema, { value, flags })));
}

/** A payload of metrics: `count` points of one series, all numbers with the same bits. */
function metrics(parts: readonly string[], count: number, bits: bigint, rest?: Uint8Array) {
  const columns: SeriesDefinition["columns"] = [
    { type: "float", field: 0 },
    { type: "int", field: 1 },
    ...(parts[3] === template(1) ? [{ type: "int", field: 2 } as const] : []),
  ];
  const encoder = new StreamEncoder();
  encoder.addSeries({ parts, columns });
  const total = count * columns.length;
  const points = encoder.encode({
    count: total,
    column: Uint32Array.from({ length: total }, (_, at) => at % columns.length),
    timeUnixNano: BigUint64Array.from(
      { length: total },
      (_, at) => NOW + BigInt(Math.floor(at / columns.length)) * 1_000_000_000n,
    ),
    bits: new BigUint64Array(total).fill(bits),
  });
  return bytes((writer) => {
    writer.part(points);
    if (rest) writer.raw(rest);
  });
}

export function hostileRequests(): Input[] {
  const refused = (what: string, batch: Uint8Array): Input => ({
    subject: "metrics",
    expected: "refused",
    what,
    batches: [batch],
  });
  const parts = ["m", "0 ", head, template(0)];
  return [
    refused("template-of-60-kb-a-point", metrics([...parts, LONG_ATTRIBUTE], 60_000, 0n)),
    refused("flags-beyond-32-bits", metrics(["m", "0 ", head, template(1)], 1, 2n ** 40n)),
    refused("template-that-is-no-point", metrics(["m", "0 ", head, "\u00ff"], 1, 0n)),
    refused("owner-without-its-length", metrics(["m", "", head, template(0)], 1, 0n)),
    refused("owner-whose-length-lies", metrics(["m", "999999999 x", head, template(0)], 1, 0n)),
    refused("rest-that-is-no-zstd", metrics(parts, 1, 0n, Uint8Array.of(1, 2, 3))),
    refused("rest-nested-thousands-deep", metrics(parts, 1, 0n, squeeze(nested()))),
    refused("rest-zstd-bomb", metrics(parts, 1, 0n, squeeze(new Uint8Array(8_388_608)))),
  ];
}

/** AnyValue of ArrayValue of AnyValue ..., as an attribute of a resource. */
function nested(): Uint8Array {
  const field = (tag: number, value: Uint8Array) =>
    bytes((writer) => {
      writer.raw(Uint8Array.of(tag));
      writer.part(value);
    });
  let value: Uint8Array = new Uint8Array(0);
  for (let depth = 0; depth < 4_000; depth++) value = field(0x2a, field(0x0a, value));
  return field(0x0a, field(0x0a, field(0x0a, field(0x12, value))));
}
