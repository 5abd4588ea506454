/** What is odd but right, and must come back bit for bit. */
import { BundleWriter } from "../src/bundle-codec/bundle-writer.ts";
import type { Series } from "../src/sample.ts";
import { EMPTY_BUNDLE } from "../src/sample.ts";
import type { SeriesDefinition } from "../src/stream-codec/series-definition.ts";
import { StreamEncoder } from "../src/stream-codec/stream-encoder.ts";
import type { Input } from "./corpus-file.ts";
import { bytes } from "./hostile-stream.ts";

const NOW = 1_790_000_000_000_000_000n;
const SECOND = 1_000_000_000n;
const ALL_ONES = 0xffff_ffff_ffff_ffffn;

interface Point {
  column: number;
  time: bigint;
  bits: bigint;
}

const COLUMNS: readonly SeriesDefinition[] = [
  { parts: ["float", "owner"], columns: [{ type: "float", field: 0 }] },
  { parts: ["int", "owner"], columns: [{ type: "int", field: 0 }] },
];

const bitsOf = (value: number) => new BigUint64Array(Float64Array.of(value).buffer)[0]!;

function exact(what: string, batches: readonly Point[][], definitions = COLUMNS): Input {
  const encoder = new StreamEncoder();
  for (const definition of definitions) encoder.addSeries(definition);
  const encoded = batches.map((points) =>
    encoder.encode({
      count: points.length,
      column: Uint32Array.from(points, ({ column }) => column),
      timeUnixNano: BigUint64Array.from(points, ({ time }) => time),
      bits: BigUint64Array.from(points, ({ bits }) => bits),
    }),
  );
  return { subject: "stream", expected: "exact", what, batches: encoded };
}

/** One value a batch and column. */
const valued = (what: string, column: number, values: readonly bigint[]) =>
  exact(
    what,
    values.map((bits, at) => [{ column, time: NOW + BigInt(at) * SECOND, bits }]),
  );

function streams(): Input[] {
  const wide: SeriesDefinition = {
    parts: ["wide", "owner"],
    columns: Array.from({ length: 4_096 }, (_, field) => ({ type: "int", field })),
  };
  const wides = Array.from({ length: 48 }, (_, at) => ({ ...wide, parts: ["wide", `${at}`] }));
  const zeros = Array.from({ length: 196_608 }, (_, column) => ({ column, time: NOW, bits: 0n }));
  const ticks = Array.from({ length: 200_000 }, (_, at) => ({
    column: 0,
    time: NOW + BigInt(at) * SECOND,
    bits: 0n,
  }));
  return [
    valued("nan-payloads", 0, [0x7ff8_0000_0000_1234n, 0xfff0_0000_0000_0001n, ALL_ONES]),
    valued("minus-zero-and-zero", 0, [bitsOf(-0), 0n, bitsOf(-0), 0n]),
    valued("infinities", 0, [bitsOf(Number.POSITIVE_INFINITY), bitsOf(Number.NEGATIVE_INFINITY)]),
    valued("smallest-and-largest-double", 0, [1n, bitsOf(Number.MAX_VALUE)]),
    valued("whole-numbers-at-2-to-the-51", 0, [2 ** 51, -(2 ** 51), 2 ** 51 + 1].map(bitsOf)),
    valued("int-smallest-and-largest", 1, [2n ** 63n, 2n ** 63n - 1n, ALL_ONES, 0n]),
    valued("int-at-2-to-the-53", 1, [2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n]),
    exact("times-at-both-ends-of-64-bits", [
      [{ column: 0, time: 0n, bits: 0n }],
      [{ column: 0, time: ALL_ONES, bits: 0n }],
      [{ column: 0, time: 1n, bits: 0n }],
    ]),
    exact("batches-without-points", [[], [], [{ column: 0, time: NOW, bits: 1n }], []]),
    exact("points-that-multiply", [zeros, zeros], wides),
    exact("groups-that-multiply", [ticks, ticks]),
  ];
}

const series = (attributes: Series["attributes"]): Series => ({
  cameraId: "",
  metric: "m",
  unit: "",
  kind: "gauge",
  attributes,
});

function bundle(what: string, expected: Input["expected"], each: Partial<Bundle>[]): Input {
  const writer = new BundleWriter();
  const batches = each.map((part) => writer.encode({ ...EMPTY_BUNDLE, ...part }));
  return { subject: "bundle", expected, what, batches };
}

type Bundle = Parameters<BundleWriter["encode"]>[0];

const one = (attributes: Series["attributes"]): Partial<Bundle> => ({
  series: [series(attributes)],
  seriesIndex: Uint32Array.of(0),
  timeUnixNano: BigUint64Array.of(NOW),
  value: Float64Array.of(-0),
});

function bundles(): Input[] {
  const prototype = JSON.parse('{"__proto__": "a", "constructor": "b"}') as Record<string, string>;
  const many = Object.fromEntries(Array.from({ length: 64 }, (_, at) => [`k${at}`, "v"]));
  const good = bundle("", "exact", [one({ k: "v" })]).batches[0]!;
  const refused = (what: string, ...batches: Uint8Array[]): Input => ({
    subject: "bundle",
    expected: "refused",
    what,
    batches,
  });
  // Behind the points: no camera, no trace context.
  const head = good.subarray(0, -2);
  return [
    bundle("attribute-called-proto", "exact", [one(prototype)]),
    bundle("attributes-as-many-as-may-be", "exact", [one(many)]),
    bundle("camera-facts-called-proto", "exact", [
      { cameras: [{ cameraId: "__proto__", attributes: prototype }] },
    ]),
    refused("cameras-more-than-bytes", Uint8Array.of(...head, 0xff, 0x7f)),
    refused("cameras-without-end", Uint8Array.of(...head, ...new Uint8Array(8).fill(0xff))),
    refused("camera-text-not-utf-8", Uint8Array.of(...head, 1, 1, 0xff, 0, 0)),
    refused("camera-65-attributes", Uint8Array.of(...head, 1, 1, 0x78, 65, ...new Uint8Array(200))),
    refused("trace-context-cut-off", Uint8Array.of(...head, 0, 1, ...new Uint8Array(28))),
    refused("more-behind-the-end", Uint8Array.of(...good, 0)),
    refused("facts-that-lie-end-the-stream", Uint8Array.of(...head, 9), good),
    ...noCameras(),
  ];
}

/** Series of streams that are not those of cameras. */
function noCameras(): Input[] {
  const wrapped = (what: string, parts: readonly string[], type: "float" | "int" = "float") => {
    const points = exact(
      "",
      [[{ column: 0, time: NOW, bits: 0n }]],
      [{ parts, columns: [{ type, field: 0 }] }],
    ).batches[0]!;
    const batch = bytes((writer) => {
      writer.part(points);
      writer.raw(Uint8Array.of(0, 0));
    });
    return { subject: "bundle", expected: "refused", what, batches: [batch] } as const;
  };
  const head = ["m", "cam", "", "gauge"];
  const keys = Array.from({ length: 65 }, (_, at) => [`k${at}`, "v"]).flat();
  return [
    wrapped("series-of-another-kind", ["m", "cam", "", "histogram"]),
    wrapped("series-of-two-parts", ["m", "cam"]),
    wrapped("series-a-key-without-a-value", [...head, "k"]),
    wrapped("series-a-key-twice", [...head, "k", "1", "k", "2"]),
    wrapped("series-65-attributes", [...head, ...keys]),
    wrapped("series-of-ints", head, "int"),
    wrapped("series-whose-texts-are-too-long-to-show", Array(256).fill("x".repeat(60_000))),
  ];
}

export const oddStreams = (): Input[] => [...streams(), ...bundles()];
