/** What counts as well, for the embedded monitor and for check plugins. */
import { ChannelKind } from "@glassline/proto/origin";
import { describe, expect, test } from "vitest";

import { parseRange } from "../range.ts";
import { findingOf } from "../verdict.ts";
import { judgeSilence } from "./cameras.ts";
import type { PlaylistView } from "./channels.ts";
import { judgeChannels, judgeFreshness, judgeLatency } from "./channels.ts";
import { judgeHealth, judgeHitRate } from "./edges.ts";
import { judgeKeys, keyLimits } from "./keys.ts";
import { judgeLinks } from "./links.ts";
import type { PeerLook } from "./overlay.ts";
import { LOSS, judgeOverlay } from "./overlay.ts";

const told = ({ state, output }: { state: string; output: string }) => `${state}: ${output}`;

describe("an edge", () => {
  const counts = (hits: bigint, misses: bigint) =>
    ({ hits, misses, coalesced: 0n }) as NonNullable<Parameters<typeof judgeHitRate>[0]["recent"]>;
  test("is judged by its share of hits when it has viewers enough", () => {
    const rates = [60n, 49n, 19n].map((hits) =>
      judgeHitRate({ viewers: 10, recent: counts(hits, 100n - hits) })!,
    );
    expect(rates.map(told)).toEqual([
      "ok: 60 % of 100 requests",
      "warning: 49 % of 100 requests",
      "critical: 19 % of 100 requests",
    ]);
    expect(told(judgeHitRate({ viewers: 9, recent: counts(0n, 100n) })!)).toBe(
      "ok: 9 viewers: too few to judge",
    );
    expect(judgeHitRate({ viewers: 9, recent: undefined })).toBeUndefined();
  });
  test("is told to the monitor with its value and its limits", () => {
    const verdict = judgeHitRate({ viewers: 10, recent: counts(1n, 1n) })!;
    expect(findingOf("edge-1", "hit-rate", verdict)).toEqual({
      object: "edge-1",
      check: "hit-rate",
      state: "ok",
      output: "50 % of 2 requests",
      value: 50,
      unit: "%",
      warning: 50,
      critical: 20,
    });
  });
  test("that does not reach its origin is a warning", () => {
    expect(told(judgeHealth({ viewers: 1, objects: 2, originReachable: false }))).toBe(
      "warning: it does not reach its origin",
    );
  });
});

describe("channels", () => {
  const channel = (name: string, kind: ChannelKind = ChannelKind.LOOP) => ({
    name,
    kind,
    newestEndUnixNano: 0n,
    newestSequence: 10n,
    targetDurationMs: 2_000,
  });
  const view = (name: string, sequence: number, programTimeMs = 0): PlaylistView => ({
    channel: channel(name),
    playlist: {
      kind: "media",
      targetDurationMs: 2_000,
      ended: false,
      segments: [
        {
          uri: "s",
          durationMs: 2_000,
          sequence,
          discontinuitySequence: 0,
          programTimeMs,
          mapUri: undefined,
        },
      ],
    },
  });
  test("that are expected must be there, and their encoders send", () => {
    const expected = ["a", "b", "c"];
    const verdict = judgeChannels([channel("a"), channel("b", ChannelKind.PUSH)], 60_000, {
      expected,
    });
    expect(told(verdict)).toBe("critical: there is no channel c");
    expect(verdict.details).toContain("the encoder of b does not send");
    expect(told(judgeChannels([channel("b", ChannelKind.PUSH)], 60_000))).toBe("ok: 1 channel");
  });
  test("are as fresh as the one that is the furthest behind", () => {
    const states = [10, 8, 7, 6].map((sequence) =>
      told(judgeFreshness([view("a", 10), view("b", sequence)])),
    );
    expect(states).toEqual([
      "ok: 2 channels up to date",
      "ok: 2 channels up to date",
      "warning: b is 3 segments behind the origin",
      "critical: b is 4 segments behind the origin",
    ]);
  });
  test("without a playlist are critical, whatever the limits", () => {
    const views: PlaylistView[] = [
      { channel: channel("a"), playlist: "/live/a: status 404" },
      view("b", 0),
    ];
    expect(told(judgeFreshness(views, {}))).toBe("critical: /live/a: status 404");
  });
  test("are as late as the worst by its own limits, not as the oldest", () => {
    const quick = {
      ...view("quick", 1, 90_000),
      channel: { ...channel("quick"), targetDurationMs: 500 },
    };
    const slow = view("slow", 1, 88_500);
    expect(told(judgeLatency([slow, quick], 95_000))).toBe(
      "critical: quick: the newest frame is 3.0 s old",
    );
    const given = { critical: parseRange("4000") };
    expect(told(judgeLatency([slow, quick], 95_000, given))).toBe(
      "critical: slow: the newest frame is 4.5 s old",
    );
  });
});

test("cameras: one silent is a warning, more than a tenth is critical, and five are named", () => {
  const names = Array.from({ length: 11 }, (_, at) => `cam-${at}`);
  expect(told(judgeSilence([], 100))).toBe("ok: 100 cameras heard, none silent");
  expect(told(judgeSilence(names.slice(0, 1), 100))).toBe(
    "warning: 1 of 100 cameras silent: cam-0",
  );
  expect(told(judgeSilence(names, 100))).toBe(
    "critical: 11 of 100 cameras silent: cam-0, cam-1, cam-2, cam-3, cam-4, ...",
  );
});

describe("links", () => {
  const link = (neighbour: string, up = true, rttMs = 5) => ({
    neighbour,
    up,
    rttMs,
    cost: 9,
    keyExchange: "",
  });
  test("that must be there and are not, or are down, are critical", () => {
    expect(told(judgeLinks([link("b")], ["b", "c"]))).toBe("critical: the link to c is down");
    expect(told(judgeLinks([link("b", false), link("c")]))).toBe("critical: the link to b is down");
    expect(told(judgeLinks([]))).toBe("critical: it has no link");
    expect(told(judgeLinks([link("b"), link("c")]))).toBe("ok: 2 links up");
  });
  test("that are slow are as bad as the limits say", () => {
    const limits = { warning: parseRange("10"), critical: parseRange("100") };
    expect(told(judgeLinks([link("b", true, 50), link("c")], [], limits))).toBe(
      "warning: b answers in 50.0 ms",
    );
  });
});

describe("keys of a link", () => {
  const DAY_MS = 86_400_000;
  const aged = (days: number, more = {}) =>
    judgeKeys(
      "a/b",
      {
        neighbour: "b",
        up: true,
        dialled: true,
        upSinceUnixNano: 1_000_000n,
        keyExchange: "X25519MLKEM768",
        ...more,
      },
      1 + days * DAY_MS,
    );
  test("are judged by their age, at the end that dials", () => {
    expect(told(aged(6.9)!)).toBe("ok: its keys are 6.9 days old, by X25519MLKEM768");
    expect(aged(8)!.state).toBe("critical");
    expect(aged(8, { up: false })!.state).toBe("unknown");
    expect(aged(8, { dialled: false })).toBeUndefined();
  });
  test("are as old as the link says that makes new ones itself", () => {
    expect(told(aged(30, { keyAgeS: 100 })!)).toBe(
      "ok: its keys are 0.0 days old, by X25519MLKEM768",
    );
  });
  test("are no matter where somebody listens: that is what is told", () => {
    expect(aged(1, { qber: 0.02 })!.state).toBe("ok");
    expect(told(aged(1, { qber: 0.25 })!)).toBe(
      "critical: somebody listens: 25.0 % of the bits of its quantum link are wrong",
    );
  });
  test("of links that came up together are not old together", () => {
    const ends = Array.from(
      { length: 50 },
      (_, at) => keyLimits(`node-1/node-${at}`).critical!.end,
    );
    expect(Math.min(...ends)).toBeGreaterThanOrEqual(7);
    expect(Math.max(...ends)).toBeLessThan(8);
    const sorted = ends.toSorted((a, b) => a - b);
    // No five of them within a minute, which would be a storm.
    const minute = 1 / 1_440;
    expect(sorted.some((end, at) => sorted[at + 4]! - end < minute)).toBe(false);
  });
});

describe("an overlay", () => {
  const limits = { roundTrip: { warning: parseRange("20") }, loss: LOSS, mtu: 1_450 };
  const well: PeerLook = {
    peer: "b",
    sent: 10,
    received: 10,
    roundTripMs: 1,
    mtuPasses: true,
    mtuFound: 1_450,
  };
  const judged = (look: Partial<PeerLook>) =>
    told(
      judgeOverlay(
        [
          { ...well, peer: "a" },
          { ...well, ...look },
        ],
        limits,
      ),
    );
  test("is well when each peer answers, and packets of its MTU pass", () => {
    expect(judged({})).toBe("ok: 2 of 2 peers answered, 1450 bytes pass");
  });
  test("is critical where a peer is silent or packets of its MTU are lost", () => {
    expect(judged({ received: 0, why: "No route to host" })).toBe(
      "critical: b does not answer (No route to host)",
    );
    expect(judged({ mtuPasses: false, mtuFound: 1_400 })).toBe(
      "critical: 1450 bytes do not pass to b, 1400 do",
    );
    expect(judged({ mtuPasses: false, mtuFound: undefined })).toBe(
      "critical: 1450 bytes do not pass to b",
    );
  });
  test("is judged by losses and round trips", () => {
    expect(judged({ received: 9 })).toBe("warning: 10 % of packets to b are lost");
    expect(judged({ received: 7 })).toBe("critical: 30 % of packets to b are lost");
    expect(judged({ roundTripMs: 25 })).toBe("warning: b answers in 25 ms");
  });
});
