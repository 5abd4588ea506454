/** The senders that write while the collector is killed: producers of small and large bundles, and OTLP exporters. */
import { readIdentity } from "@glassline/service/identity";
import { ensureDevelopmentPki } from "@glassline/service/pki";

import type { CollectorPlace } from "./collector-process.ts";
import { pkiDirectory } from "./collector-process.ts";
import { CountedPoints } from "./counted-points.ts";
import { OtlpSender } from "./otlp-sender.ts";
import { OtqmnProducer } from "./otqmn-producer.ts";

/** Points a bundle and how often one is made; producers take turns. */
const PACES = [
  { size: 1, intervalMs: 2 },
  { size: 10, intervalMs: 5 },
  { size: 100, intervalMs: 40 },
  { size: 1_000, intervalMs: 200 },
] as const;
const OTLP_PACES = [
  { size: 5, intervalMs: 5 },
  { size: 200, intervalMs: 100 },
] as const;

export interface Load {
  producers: readonly OtqmnProducer[];
  senders: readonly OtlpSender[];
}

export async function startLoad(
  place: CollectorPlace,
  { streams, senders }: { streams: number; senders: number },
  random: () => number,
): Promise<Load> {
  const startUnixNano = BigInt(Date.now()) * 1_000_000n;
  const pointsOf = (number: number, { size, intervalMs }: { size: number; intervalMs: number }) =>
    new CountedPoints(number, startUnixNano, Math.ceil((intervalMs * 1_000_000) / size));
  const names = Array.from({ length: streams }, (_, at) => ({
    role: "mesh-node" as const,
    instance: `node-${at + 1}`,
  }));
  const directory = pkiDirectory(place);
  await ensureDevelopmentPki(directory, names);
  const identities = await Promise.all(names.map((name) => readIdentity(directory, name)));
  return {
    producers: identities.map((identity, at) => {
      const pace = PACES[at % PACES.length]!;
      return new OtqmnProducer({
        identity,
        port: place.ports.port,
        points: pointsOf(at + 1, pace),
        bundlePoints: pace.size,
        intervalMs: pace.intervalMs,
        random,
      });
    }),
    senders: Array.from({ length: senders }, (_, at) => {
      const pace = OTLP_PACES[at % OTLP_PACES.length]!;
      return new OtlpSender({
        port: place.ports.httpPort,
        token: place.token,
        points: pointsOf(streams + at + 1, pace),
        requestPoints: pace.size,
        intervalMs: pace.intervalMs,
        random,
      });
    }),
  };
}
