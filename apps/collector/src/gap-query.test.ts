/** The gap ledger over a real log with its blocks. */
import { create } from "@bufbuild/protobuf";
import { GapCause } from "@glassline/proto/camera";
import { ListGapsRequestSchema, ListGapsResponseSchema } from "@glassline/proto/query";
import { systemClock } from "@glassline/service/clock";
import { expect, test } from "vitest";

import { listGaps } from "./gap-query.ts";
import type { History, Sample } from "./history.testing.ts";
import { BEGIN_S, nanoAt, openHistory } from "./history.testing.ts";

const MESH = { cause: "mesh", reason: "ring_full" };

const statuses = (from: number, to: number): Sample[] =>
  Array.from({ length: to - from }, (_, at) => ({
    metric: "camera.status",
    second: from + at,
    value: 0,
  }));
const telling = (second: number, duration: number, reports: number): Sample[] => [
  { metric: "camera.gap.duration", second, value: duration, attributes: MESH },
  { metric: "camera.gap.reports", second, value: reports, attributes: MESH },
];

interface Ledger extends History {
  /** Begin and end in seconds, why. */
  gaps: (cameraId: string, from: number, to: number) => Promise<[number, number, string][]>;
}

async function withLedger(nowS: number, work: (ledger: Ledger) => Promise<void>): Promise<void> {
  await using history = await openHistory();
  const clock = { ...systemClock, nowUnixNano: () => nanoAt(nowS) };
  const gaps = async (cameraId: string, from: number, to: number) => {
    const request = create(ListGapsRequestSchema, {
      cameraId,
      fromUnixNano: from === 0 ? 0n : nanoAt(from),
      toUnixNano: to === 0 ? 0n : nanoAt(to),
    });
    const { signal } = new AbortController();
    const answer = await listGaps({ ...history.deps(), clock }, request, signal);
    return create(ListGapsResponseSchema, answer).gaps.map((gap): [number, number, string] => [
      Number(gap.fromUnixNano / 1_000_000_000n) - BEGIN_S,
      Number(gap.toUnixNano / 1_000_000_000n) - BEGIN_S,
      gap.cause === GapCause.MESH ? `MESH ${gap.reports}` : gap.reason,
    ]);
  };
  await work({ ...history, gaps });
}

test("a told gap is shown by every window of which it takes a part, from blocks and from memory", () =>
  withLedger(8_100, async ({ append, roll, gaps }) => {
    await append("cam", statuses(0, 600));
    await roll();
    await append("other", statuses(0, 8_100));
    await roll();
    await append("cam", [...statuses(8_000, 8_100), ...telling(600, 7_399, 7_400)]);
    const told = [600, 7_999, "MESH 7400"];
    for (const place of ["memory", "block"]) {
      if (place === "block") await roll();
      expect(await gaps("cam", 0, 0)).toEqual([told]);
      expect(await gaps("cam", 3_000, 3_600)).toEqual([told]);
      expect(await gaps("cam", 300, 700)).toEqual([told]);
      expect(await gaps("cam", 7_990, 8_050)).toEqual([told]);
      expect(await gaps("cam", 8_010, 8_050)).toEqual([]);
      expect(await gaps("cam", 100, 500)).toEqual([]);
      expect(await gaps("", 3_000, 3_600)).toEqual([told]);
      expect(await gaps("", 8_010, 0)).toEqual([]);
    }
  }));

test("of bounds that are swapped it is said that they are", () =>
  withLedger(1_000, async ({ gaps }) => {
    await expect(gaps("", 9, 3)).rejects.toThrow(
      /from_unix_nano: got \d+, expected at most to_unix_nano/,
    );
  }));

test("a told gap that covers a part of an outage leaves the rest of it a hole", () =>
  withLedger(8_100, async ({ append, gaps }) => {
    await append("cam", [...statuses(0, 600), ...statuses(8_000, 8_100)]);
    await append("cam", [...telling(600, 1_000, 1_001), ...statuses(8_100, 8_101)]);
    const told = [600, 1_600, "MESH 1001"];
    expect(await gaps("cam", 0, 0)).toEqual([told, [1_600, 8_000, "nothing came"]]);
    expect(await gaps("cam", 700, 900)).toEqual([told]);
    expect(await gaps("cam", 1_700, 1_900)).toEqual([[1_600, 1_900, "nothing came"]]);
  }));

test("an outage that covers the window whole is seen, up to a day after its begin", () =>
  withLedger(200_000, async ({ append, roll, gaps }) => {
    await append("cam", statuses(0, 600));
    await roll();
    await append(
      "slow",
      [0, 100, 200, 300, 400, 500, 600, 700].flatMap((at) => statuses(at, at + 1)),
    );
    await roll();
    expect(await gaps("cam", 700, 800)).toEqual([[599, 800, "nothing came"]]);
    expect(await gaps("cam", 5_000, 5_100)).toEqual([[599, 5_100, "nothing came"]]);
    expect(await gaps("cam", 80_000, 0)).toEqual([[599, 200_000, "nothing has come since"]]);
    expect(await gaps("cam", 90_000, 0)).toEqual([]);
    expect(await gaps("slow", 710, 990)).toEqual([]);
    expect(await gaps("slow", 710, 1_200)).toEqual([[700, 1_200, "nothing came"]]);
  }));

test("a camera that only blocks know is answered for; one that nothing knows is not", () =>
  withLedger(700, async ({ append, roll, forget, gaps }) => {
    await append("cam", [...statuses(0, 100), ...statuses(200, 300), ...telling(100, 9, 10)]);
    await roll();
    forget();
    expect(await gaps("cam", 50, 290)).toEqual([
      [100, 109, "MESH 10"],
      [109, 200, "nothing came"],
    ]);
    expect(await gaps("cam", 0, 4)).toEqual([]);
    await expect(gaps("none", 50, 290)).rejects.toThrow('camera "none": nothing has come from it');
  }));
