/** The writer against a model of a stream that loses, delays and forgets to answer. */
import { seededRandom } from "@glassline/service/random";
import fc from "fast-check";
import { expect, test } from "vitest";

import type { StoredPart } from "./message.ts";
import { Assembler, partsOf } from "./message.ts";
import { SegmentTable } from "./segments.ts";
import type { Outgoing } from "./writer.ts";
import { JetStreamWriter } from "./writer.ts";

const RETENTION = { segmentMaxBytes: 2_000, maxBytes: 1_000_000 };
const PART_BYTES = 10;
const FAILURES = 0.03;

/** Takes a message only behind the one that it expects, as JetStream does. */
class ModelStream {
  readonly stored = new Map<number, Outgoing>();
  lastSeq = 1;
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  async publish(message: Outgoing): Promise<void> {
    const fate = this.#random();
    await this.#wait();
    if (fate < FAILURES) throw new Error("lost");
    if (fate < 2 * FAILURES) {
      void this.#wait().then(() => this.#isTaken(message));
      throw new Error("no answer yet");
    }
    if (!this.#isTaken(message)) throw new Error("wrong last sequence");
    if (fate < 3 * FAILURES) throw new Error("the answer is lost");
  }

  async takeOver(ownSeq: number): Promise<number> {
    await this.#wait();
    if (this.#random() < 0.2) throw new Error("no leader");
    const fenceSeq = ++this.lastSeq;
    await this.#wait();
    if (this.#random() < 0.2) throw new Error("the answer is lost");
    for (let seq = ownSeq + 1; seq < fenceSeq; seq++) this.stored.delete(seq);
    return fenceSeq;
  }

  #isTaken(message: Outgoing): boolean {
    if (message.seq !== this.lastSeq + 1) return false;
    this.stored.set(++this.lastSeq, message);
    return true;
  }

  async #wait(): Promise<void> {
    const turns = Math.floor(this.#random() * 6);
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

function recordsOf({ stored }: ModelStream): Map<number, number> {
  const assembler = new Assembler();
  const records = new Map<number, number>();
  const messages = [...stored].toSorted(([a], [b]) => a - b);
  for (const [index, { kind, payload, part, parts }] of messages) {
    if (kind !== "record") continue;
    const found = assembler.add({ index, payload, part, parts } satisfies StoredPart);
    if (found && found.payload.length > 1) records.set(found.index, numberOf(found.payload));
  }
  return records;
}

const numberOf = (payload: Uint8Array) => Buffer.from(payload).readUInt32LE();

const recordOf = (number: number, length: number) => {
  const payload = Buffer.alloc(length);
  payload.writeUInt32LE(number);
  return payload;
};

test("what is stored is what was acknowledged: each once, in order, at its index, whatever is lost or late", async () => {
  let refused = 0;
  const run = async (seed: number) => {
    const random = seededRandom(seed);
    const stream = new ModelStream(random);
    const segments = new SegmentTable(RETENTION, [{ firstIndex: 1, bytes: 0, openedMs: 0 }]);
    await using writer = new JetStreamWriter(
      {
        segments,
        segmentMaxBytes: RETENTION.segmentMaxBytes,
        recordMaxBytes: 1_000,
        partMaxBytes: PART_BYTES,
        checkpoint: () => Uint8Array.of(1),
        publish: (message) => stream.publish(message),
        takeOver: (ownSeq) => stream.takeOver(ownSeq),
        pause: () => new Promise((resolve) => setImmediate(resolve)),
        nowMs: () => 0,
        onSegment: () => {},
        onTrouble: () => {},
      },
      1,
    );
    const acknowledged = new Map<number, number>();
    for (let number = 0; number < 120; number++) {
      const payload = recordOf(number, 4 + Math.floor(random() * 30));
      writer.append(payload).then(
        (index) => acknowledged.set(index, number),
        () => refused++,
      );
      if (random() < 0.02) writer.roll().catch(() => {});
      if (random() < 0.4) await new Promise((resolve) => setImmediate(resolve));
    }
    // A last record that is taken: all before it is decided, and what was refused is deleted.
    while (!(await writer.append(recordOf(999, 4)).catch(() => 0)))
      await new Promise((resolve) => setImmediate(resolve));
    const stored = [...recordsOf(stream)].filter(([, number]) => number !== 999);
    expect(stored).toEqual([...acknowledged].toSorted(([a], [b]) => a - b));
    const numbers = stored.map(([, number]) => number);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    for (const { firstIndex } of segments.all.slice(1))
      expect(stream.stored.get(firstIndex)?.kind).toBe("segment");
  };
  await fc.assert(fc.asyncProperty(fc.integer(), run), { numRuns: 200 });
  expect(refused).toBeGreaterThan(100);
});

test("parts make a record again; one of which a part is missing is left out", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 10 }),
      fc.nat(30),
      (payloads, missing) => {
        const parts = payloads.flatMap((payload) => {
          const all = partsOf(payload, PART_BYTES);
          return all.map((bytes, at) => ({
            payload: bytes,
            part: at + 1,
            parts: all.length,
            of: payload,
          }));
        });
        const sent = parts.map((part, at) => ({ ...part, index: at + 1 }));
        const lost = sent[missing]?.of;
        const assembler = new Assembler();
        const found = sent
          .filter((_, at) => at !== missing)
          .flatMap((part) => assembler.add(part) ?? []);
        const expected = payloads.filter((payload) => payload !== lost);
        expect(found.map(({ payload }) => Buffer.from(payload).toString("hex"))).toEqual(
          expected.map((payload) => Buffer.from(payload).toString("hex")),
        );
      },
    ),
  );
});
