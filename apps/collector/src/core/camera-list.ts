/**
 * Every camera with its state and latest values, as the bytes of a ListCamerasResponse: of 100,000 cameras messages would cost
 * too much. What is constant is encoded once: each camera's facts, each metric's name.
 */
import {
  CameraSchema,
  CameraState as WireState,
  ListCamerasResponseSchema,
} from "@glassline/proto/query";
import { METRIC_CAMERA_STATUS } from "@glassline/telemetry/conventions";

import { ByteSink, fieldBytes, prefixBytes, utf8Bytes } from "./byte-sink.ts";
import type { Fleet } from "./fleet.ts";
import { concat, tagOf, textField, varint } from "./protobuf-fields.ts";
import type { CameraState } from "./series-table.ts";
import { NO_MORE } from "./series-table.ts";
import { NO_SLOT } from "./slotted-points.ts";

export const WIRE_STATES = {
  live: WireState.LIVE,
  fault: WireState.FAULT,
  silent: WireState.SILENT,
} as const;

const CAMERA = CameraSchema.field;
const ANSWER = ListCamerasResponseSchema.field;
/** Source: https://protobuf.dev/programming-guides/encoding/#maps */
const MAP_KEY = 1;
const MAP_VALUE = 2;

const CAMERA_TAG = tagOf(ANSWER.cameras.number, "bytes");
const NOW_TAG = tagOf(ANSWER.nowUnixNano.number, "fixed64");
const STATE_TAG = tagOf(CAMERA.state.number, "varint");
const RECEIVED_TAG = tagOf(CAMERA.lastReceivedUnixNano.number, "fixed64");
const COUNT_TAG = tagOf(CAMERA.seriesCount.number, "varint");
const REASON_TAG = tagOf(CAMERA.reason.number, "bytes");
const ID_TAG = tagOf(CAMERA.cameraId.number, "bytes");
const ATTRIBUTES_TAG = tagOf(CAMERA.attributes.number, "bytes");
const KEY_TAG = tagOf(MAP_KEY, "bytes");
const TEXT_TAG = tagOf(MAP_VALUE, "bytes");
const VALUES_TAG = tagOf(CAMERA.values.number, "bytes");
const VALUE_TAG = tagOf(MAP_VALUE, "fixed64");

const FIXED64_BYTES = 9;
/** A tag and a varint of 32 bits. */
const VARINT_MAX_BYTES = 6;
const FIRST_FACTS_BYTES = 256;
const FIRST_BYTES = 65_536;
/** The first cameras tell how much room the others need, more or less. */
const SAMPLE_CAMERAS = 256;
const ROOM = 1.05;
const WORD = 4_294_967_296;
const NANO_PER_MS = 1_000_000;

export interface ListedFleet {
  fleet: Fleet;
  nowMs: number;
  /** Cameras that have been silent for so long are left out. */
  forgetAfterMs: number;
}

/** @param metrics whose latest values are wanted. */
export function encodeCameraList(
  { fleet, nowMs, forgetAfterMs }: ListedFleet,
  metrics: readonly string[],
  nowUnixNano: bigint,
): Uint8Array {
  const sink = new ByteSink(FIRST_BYTES);
  const writer = new CameraWriter(fleet, metrics, nowMs, sink);
  let rest = fleet.cameras.size;
  for (const camera of fleet.cameras.values()) {
    if (!camera.isElsewhere && nowMs - camera.lastReceivedMs < forgetAfterMs) writer.write(camera);
    if (--rest === fleet.cameras.size - SAMPLE_CAMERAS)
      sink.reserve(Math.ceil((ROOM * sink.length * rest) / SAMPLE_CAMERAS));
  }
  sink.reserve(FIXED64_BYTES);
  sink.fixed64(NOW_TAG, Number(nowUnixNano & 0xffff_ffffn), Number(nowUnixNano >> 32n));
  return sink.whole();
}

class CameraWriter {
  readonly #fleet: Fleet;
  readonly #nowMs: number;
  readonly #sink: ByteSink;
  /** By quantity: 1 + the place of its metric in what is asked for; 0: not asked for. */
  readonly #placeOf: Uint8Array;
  /** By place of a metric: the entry of the map up to the value. */
  readonly #heads: Uint8Array[];
  /** By place of a metric: the slot of the camera's first series of it. */
  readonly #slots: Uint32Array;
  readonly #statusPlace: number;
  readonly #facts = new ByteSink(FIRST_FACTS_BYTES);
  readonly #value = new Float64Array(1);
  readonly #valueWords = new Uint32Array(this.#value.buffer);

  constructor(fleet: Fleet, metrics: readonly string[], nowMs: number, sink: ByteSink) {
    this.#fleet = fleet;
    this.#nowMs = nowMs;
    this.#sink = sink;
    const wanted = [...new Set(metrics)];
    this.#heads = wanted.map(entryHead);
    const found = new Set([...wanted, METRIC_CAMERA_STATUS]);
    this.#statusPlace = [...found].indexOf(METRIC_CAMERA_STATUS);
    this.#placeOf = placesOf(fleet, [...found]);
    this.#slots = new Uint32Array(found.size);
  }

  write(camera: CameraState): void {
    this.#find(camera);
    const { lastReceivedMs, seriesCount } = camera;
    const facts = (camera.encodedFacts ??= this.#encodeFacts(camera));
    const status = this.#latest(this.#statusPlace);
    const health = this.#fleet.healthBy(status, lastReceivedMs, this.#nowMs);
    const reason = health.state === "live" ? "" : health.reason;
    const reasonBytes = utf8Bytes(reason);
    const bytes = this.#bytes(facts, seriesCount) + fieldBytes(reasonBytes);
    const sink = this.#sink;
    sink.reserve(bytes + VARINT_MAX_BYTES);
    sink.prefix(CAMERA_TAG, bytes);
    sink.raw(facts);
    sink.prefix(STATE_TAG, WIRE_STATES[health.state]);
    // In two words: milliseconds since 1970 as nanoseconds are more than a double holds exactly.
    const ms = Math.round(lastReceivedMs);
    const lowNano = (ms % WORD) * NANO_PER_MS;
    const highNano = Math.floor(ms / WORD) * NANO_PER_MS + Math.floor(lowNano / WORD);
    sink.fixed64(RECEIVED_TAG, lowNano % WORD, highNano);
    sink.prefix(COUNT_TAG, seriesCount);
    this.#values();
    sink.text(REASON_TAG, reason, reasonBytes);
  }

  /** The first series of each metric, in one pass. */
  #find({ firstSlot }: CameraState): void {
    const [found, placeOf] = [this.#slots, this.#placeOf];
    const { quantityOf, nextOf } = this.#fleet.table;
    found.fill(NO_SLOT);
    let missing = found.length;
    for (let slot = firstSlot; slot !== NO_MORE; slot = nextOf[slot]!) {
      const place = placeOf[quantityOf[slot]!]!;
      if (place === 0 || found[place - 1] !== NO_SLOT) continue;
      found[place - 1] = slot;
      if (--missing === 0) return;
    }
  }

  #latest(place: number): number | undefined {
    const { lastReceivedS, latestValue } = this.#fleet.table;
    const slot = this.#slots[place]!;
    return slot === NO_SLOT || lastReceivedS[slot] === 0 ? undefined : latestValue[slot];
  }

  #bytes(facts: Uint8Array, series: number): number {
    let bytes = facts.length + prefixBytes(WireState.LIVE) + FIXED64_BYTES + prefixBytes(series);
    for (let place = 0; place < this.#heads.length; place++)
      if (this.#latest(place) !== undefined) bytes += this.#heads[place]!.length + FIXED64_BYTES;
    return bytes;
  }

  #values(): void {
    for (let place = 0; place < this.#heads.length; place++) {
      const value = this.#latest(place);
      if (value === undefined) continue;
      this.#value[0] = value;
      this.#sink.raw(this.#heads[place]!);
      this.#sink.fixed64(VALUE_TAG, this.#valueWords[0]!, this.#valueWords[1]!);
    }
  }

  #encodeFacts({ cameraId, attributes }: CameraState): Uint8Array {
    const sink = this.#facts;
    writeText(sink, ID_TAG, cameraId);
    for (const key of Object.keys(attributes)) {
      const value = attributes[key]!;
      const entryBytes = fieldBytes(utf8Bytes(key)) + fieldBytes(utf8Bytes(value));
      sink.reserve(fieldBytes(entryBytes));
      sink.prefix(ATTRIBUTES_TAG, entryBytes);
      writeText(sink, KEY_TAG, key);
      writeText(sink, TEXT_TAG, value);
    }
    return sink.take();
  }
}

function writeText(sink: ByteSink, tag: number, text: string): void {
  const bytes = utf8Bytes(text);
  sink.reserve(fieldBytes(bytes));
  sink.text(tag, text, bytes);
}

function placesOf({ table }: Fleet, metrics: readonly string[]): Uint8Array {
  const marks = metrics.map((metric) => table.quantitiesOf(metric));
  return Uint8Array.from(
    marks[0]!,
    (_, quantity) => marks.findIndex((ofMetric) => ofMetric[quantity] === 1) + 1,
  );
}

/** What stands before the value. */
function entryHead(metric: string): Uint8Array {
  const key = textField(MAP_KEY, metric);
  const length = varint(key.length + FIXED64_BYTES);
  return concat([Uint8Array.of(VALUES_TAG, ...length), key]);
}
