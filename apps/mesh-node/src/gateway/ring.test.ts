import { appendFile, mkdir, mkdtemp, open, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { EMPTY_BUNDLE } from "@glassline/otqmn/sample";
import { seededRandom } from "@glassline/service/random";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { BundleRecord } from "./ring.ts";
import { Ring } from "./ring.ts";

let directory: string;
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), "glassline-ring-"))));
afterEach(() => rm(directory, { recursive: true, force: true }));

const options = (maxBytes = 8_388_608) => ({ directory: join(directory, "ring"), maxBytes });
const random = seededRandom(1);
/** A bundle whose first value is `first`; the rest is noise, of about as many bytes. */
const record = (first: number, bytes = 10): BundleRecord => {
  const value = Float64Array.from({ length: Math.ceil(bytes / 8) }, () => random());
  value[0] = first;
  const series = {
    cameraId: "cam",
    metric: "m",
    unit: "1",
    kind: "gauge",
    attributes: {},
  } as const;
  const bundle = {
    ...EMPTY_BUNDLE,
    series: [series],
    seriesIndex: new Uint32Array(value.length),
    timeUnixNano: BigUint64Array.from(value, (_, at) => BigInt(at)),
    value,
  };
  return { bundle, hopContexts: [] };
};
const firstOf = ({ bundle }: BundleRecord) => bundle.value[0];
const marks = (seq: number) => new Map([["agent-1", { incarnation: "00ff", seq }]]);

describe("the ring", () => {
  test("numbers bundles from 1 without gaps and gives them back after a restart, with its incarnation and agents", async () => {
    const first = await Ring.open(options());
    for (let seq = 1; seq <= 200; seq++)
      expect(await first.append(record(seq), marks(seq * 2))).toBe(seq);
    await first.forget(150);
    await first.append(record(201), marks(402));
    await first[Symbol.asyncDispose]();

    await using second = await Ring.open(options());
    expect(second.incarnation).toEqual(first.incarnation);
    expect([second.headSeq, second.durableSeq]).toEqual([201, 150]);
    expect(second.agentMark("agent-1")).toEqual({ incarnation: "00ff", seq: 402 });
    for (const seq of [151, 152, 190, 3, 201]) expect(firstOf(await second.read(seq))).toBe(seq);
  });

  test("is full before its bound, and has room again when bundles are forgotten", async () => {
    await using ring = await Ring.open(options(4_194_304));
    while (!ring.isFull) await ring.append(record(1, 200_000), marks(1));
    expect(ring.bytes).toBeLessThanOrEqual(4_194_304);
    const head = ring.headSeq;
    await ring.forget(head);
    expect(ring.isFull).toBe(false);
    expect(await ring.append(record(2), marks(2))).toBeGreaterThan(head);
  });

  test("keeps agents and numbers over many segments of which the first are gone", async () => {
    const ring = await Ring.open(options(4_194_304));
    await ring.append(record(1), new Map([["long-ago", { incarnation: "aa", seq: 9 }]]));
    for (let at = 0; at < 30; at++) {
      await ring.append(record(1, 300_000), marks(at + 1));
      await ring.forget(ring.headSeq);
    }
    const head = ring.headSeq;
    await ring[Symbol.asyncDispose]();
    await using again = await Ring.open(options(4_194_304));
    expect(again.agentMark("long-ago")).toEqual({ incarnation: "aa", seq: 9 });
    expect(again.headSeq).toBe(head);
    expect(await again.append(record(1), marks(31))).toBe(head + 1);
  });

  test("gives an empty bundle for a number that holds none, so that the numbers stay without gaps", async () => {
    const ring = await Ring.open(options());
    for (let seq = 1; seq <= 80; seq++) await ring.append(record(seq, 100), marks(seq));
    await ring[Symbol.asyncDispose]();
    const segment = (await readdir(options().directory)).find((name) => name.endsWith(".seg"));
    const file = await open(join(options().directory, segment!), "r+");
    await file.write(Buffer.from([0xff]), 0, 1, 300);
    await file.close();
    // A segment that is not the last may rot; make it so.
    await appendFile(join(options().directory, "0000000000000081.seg"), "GLSEGM2\n");
    await using again = await Ring.open(options());
    expect(again.headSeq).toBe(80);
    const bundles = await Promise.all(Array.from({ length: 80 }, (_, at) => again.read(at + 1)));
    const empty = bundles.filter(({ bundle }) => bundle.value.length === 0);
    expect(empty).toHaveLength(1);
    expect([bundles[0]!, bundles[79]!].map(firstOf)).toEqual([1, 80]);
  });

  test("an older copy that came back is renewed: what was written since goes on, what was there the collector has", async () => {
    const before = await Ring.open(options());
    for (let seq = 1; seq <= 5; seq++) await before.append(record(seq), marks(seq));
    await before[Symbol.asyncDispose]();
    const ring = await Ring.open(options());
    for (let seq = 6; seq <= 7; seq++) await ring.append(record(seq), marks(seq));
    const renewal = ring.renew();
    const during = ring.append(record(8), marks(8));
    await renewal;
    await during;
    expect(ring.incarnation).not.toEqual(before.incarnation);
    const bundles = await Promise.all(
      Array.from({ length: ring.headSeq }, (_, at) => ring.read(at + 1)),
    );
    const filled = bundles.filter(({ bundle }) => bundle.value.length > 0);
    expect(filled.map(firstOf)).toEqual([6, 7, 8]);
    await ring[Symbol.asyncDispose]();

    await using again = await Ring.open(options());
    expect(again.incarnation).toEqual(ring.incarnation);
    expect(again.headSeq).toBe(ring.headSeq);
    expect(again.agentMark("agent-1")!.seq).toBe(8);
  });

  test("a renewal that was cut off is finished at the next start, or never happened", async () => {
    await (await Ring.open(options()))[Symbol.asyncDispose]();
    const first = await Ring.open(options());
    await first.append(record(1), marks(1));
    await first[Symbol.asyncDispose]();
    await mkdir(join(directory, "ring.next"));
    await using again = await Ring.open(options());
    expect(again.headSeq).toBe(1);
    expect(await readdir(directory)).toEqual(["ring"]);
    await again[Symbol.asyncDispose]();
    await rename(join(directory, "ring"), join(directory, "ring.next"));
    await using finished = await Ring.open(options());
    expect([finished.headSeq, finished.incarnation]).toEqual([1, first.incarnation]);
  });

  test("a long backlog is read whole while more is written", async () => {
    await using ring = await Ring.open(options());
    for (let seq = 1; seq <= 150; seq++) await ring.append(record(seq % 250), marks(seq));
    for (let seq = 1; seq <= 300; seq++) {
      if (ring.headSeq < 300)
        await ring.append(record((ring.headSeq + 1) % 250), marks(ring.headSeq));
      expect(firstOf(await ring.read(seq))).toBe(seq % 250);
    }
    await expect(ring.read(301)).rejects.toThrow(/bundle 301 is not on the ring/);
  });
});
