/** Bytes a point of recorded OTLP metrics, as STEF measures them (stef/benchmarks/size_test.go): all parts in order into one stream. */
import { basename } from "node:path";
import { constants, zstdCompressSync } from "node:zlib";

import { about, report } from "@glassline/bench/report";

import { MetricsWriter } from "../src/metrics-codec/metrics-writer.ts";
import { countPoints, partsIn, requestsIn } from "./recorded-metrics.ts";

const KEY_INTERVALS = [0, 1_000, 100] as const;
const LEVEL = 3;

export function recordedSizes(path: string): void {
  const requests = [...requestsIn(path)];
  const points = requests.reduce((sum, request) => sum + countPoints(request), 0);
  const file = basename(path);
  about(
    "recorded-size",
    "Bytes a point of recorded OTLP metrics, measured as STEF does: all parts in order into one stream, all bytes by all points. " +
      "`keyInterval`: batches from one key batch to the next; 0: the first one only, as in the published comparison (STEF with zstd: 1.2; " +
      "without: 7.2; OTAP with zstd: 6.3). Goals: 0.45; 0.65 with each batch compressed alone, which ours always is; 1.0 without any compressor.",
  );
  const common = { file, batches: requests.length, points };
  for (const compress of [true, false]) {
    for (const keyInterval of KEY_INTERVALS) {
      const writer = new MetricsWriter({ compress });
      let bytes = 0;
      requests.forEach((request, at) => {
        if (keyInterval > 0 && at % keyInterval === 0) writer.beginAnew();
        bytes += writer.encode(request).length;
      });
      const params = {
        ...common,
        codec: "otqmn",
        compressor: compress ? "zstd on definitions" : "none",
        keyInterval,
      };
      report("recorded-size", "bytes_per_point", bytes / points, "B", params);
    }
  }
  otlp(path, points, common);
}

/** The same parts as plain OTLP: what a user would otherwise send. */
function otlp(path: string, points: number, common: Record<string, string | number>): void {
  const parts = [...partsIn(path)];
  const size = (all: readonly Uint8Array[]) => all.reduce((sum, { length }) => sum + length, 0);
  const squeezed = (bytes: Uint8Array) =>
    zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } });
  const figures = {
    none: size(parts),
    "zstd, each batch alone": size(parts.map(squeezed)),
    "zstd, one window": squeezed(Buffer.concat(parts)).length,
  };
  for (const [compressor, bytes] of Object.entries(figures))
    report("recorded-size", "bytes_per_point", bytes / points, "B", {
      ...common,
      codec: "otlp",
      compressor,
    });
}
