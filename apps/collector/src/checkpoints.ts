/** What is written to the head of each segment: who has sent how much, and what the fleet is. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { CodecError } from "@glassline/otqmn/codec-error";
import { STREAM_LIMITS } from "@glassline/otqmn/limits";
import { decodeBundle, encodeBundle } from "@glassline/otqmn/whole-bundle";
import type { CheckpointSchema } from "@glassline/proto/storage";
import type { Clock } from "@glassline/service/clock";

import type { Catalogued } from "./core/catalogue.ts";
import { catalogueOf, cataloguedOf, partsOf } from "./core/catalogue.ts";
import type { Fleet } from "./core/fleet.ts";
import type { Producers } from "./core/producers.ts";

/** Before there were parts, a catalogue was one bundle with more series than a batch. */
export const CATALOGUE_LIMITS = { ...STREAM_LIMITS, batchMaxBytes: 12_582_912 };
/** Some 20,000 cameras are told by facts only. */
const CATALOGUE = { seriesMax: 100_000, factsMaxBytes: 2_097_152 };
/** A part takes some milliseconds, in which nothing is received. */
const PART = { series: 1_000, cameras: 500 };
/** The share of the time that making catalogues may take. */
const SHARE = 0.02;

interface Making {
  /** What the log has before the segment that begins here is in the catalogue. */
  fromIndex: number;
  parts: Iterator<Catalogued>;
  made: Uint8Array[];
  lastReceivedUnixNano: Record<string, bigint>;
}

export class Checkpoints {
  readonly #producers: Producers;
  readonly #fleet: Fleet;
  readonly #clock: Clock;
  /** Of the segment that is written. */
  #segmentIndex = 0;
  /** Of the segment from which on the log tells all. */
  #catalogueIndex = 0;
  #making: Making | undefined;
  #finished: Making | undefined;
  #nextAtMs = 0;

  constructor({ producers, fleet }: { producers: Producers; fleet: Fleet }, clock: Clock) {
    this.#producers = producers;
    this.#fleet = fleet;
    this.#clock = clock;
  }

  /** A start has read the log from `catalogueIndex` on. */
  begin(catalogueIndex: number, segmentIndex: number): void {
    this.#catalogueIndex = catalogueIndex;
    this.#segmentIndex = segmentIndex;
  }

  /** Makes a part of the next catalogue, when it is time. */
  work(): void {
    if (this.#segmentIndex === 0) return;
    this.#inTime(() => {
      this.#making ??= this.#begin(this.#segmentIndex);
      this.#step(this.#making);
    });
  }

  /** @param index of the record that begins the segment. */
  head(index: number): MessageInitShape<typeof CheckpointSchema> {
    if (this.#fleet.table.seriesCount <= PART.series) this.#makeAll(index);
    this.#segmentIndex = index;
    const producers = this.#producers.all.map(({ producer, incarnation, durableSeq }) => ({
      producer,
      incarnation,
      durableSeq: BigInt(durableSeq),
    }));
    const { made = [], fromIndex, lastReceivedUnixNano = {} } = this.#finished ?? {};
    this.#catalogueIndex = fromIndex ?? this.#catalogueIndex;
    this.#finished = undefined;
    const [catalogue = new Uint8Array(0), ...catalogueParts] = made;
    const catalogueIndex = BigInt(this.#catalogueIndex === index ? 0 : this.#catalogueIndex);
    return { producers, catalogueIndex, catalogue, catalogueParts, lastReceivedUnixNano };
  }

  /** Of a fleet that is small. */
  #makeAll(index: number): void {
    this.#inTime(() => {
      const making = (this.#making = this.#begin(index));
      while (this.#making) this.#step(making);
    });
  }

  /** A part, or the end. */
  #step(making: Making): void {
    const next = making.parts.next();
    if (next.done) [this.#finished, this.#making] = [making, undefined];
    else this.#make(next.value, making);
  }

  /** Works only when it is time, and pauses by how long it took. */
  #inTime(work: () => void): void {
    const beganMs = this.#clock.monotonicMs();
    if (beganMs < this.#nextAtMs) return;
    work();
    const endedMs = this.#clock.monotonicMs();
    this.#nextAtMs = endedMs + (endedMs - beganMs) / SHARE;
  }

  #begin(fromIndex: number): Making {
    const parts = partsOf(cataloguedOf(this.#fleet, CATALOGUE), PART);
    return { fromIndex, parts, made: [], lastReceivedUnixNano: {} };
  }

  /** A part that is beyond what a start reads is left out: that start knows of it what it finds in the newest segments. */
  #make(part: Catalogued, { made, lastReceivedUnixNano }: Making): void {
    const { bundle, lastReceivedMs } = catalogueOf(this.#fleet, part);
    try {
      const bytes = encodeBundle(bundle, CATALOGUE_LIMITS);
      decodeBundle(bytes, CATALOGUE_LIMITS);
      made.push(bytes);
    } catch (error) {
      if (error instanceof CodecError) return;
      throw error;
    }
    for (const [cameraId, ms] of lastReceivedMs)
      lastReceivedUnixNano[cameraId] = BigInt(Math.round(ms)) * 1_000_000n;
  }
}
