import { expect, test } from "vitest";

import { playerState, seekTargetS } from "./player-state.ts";

const WELL = { trouble: undefined, hasMoved: true, isStalled: false, wantsPlay: true } as const;

test("trouble is not shown while the picture still moves", () => {
  expect(playerState(WELL)).toBe("playing");
  expect(playerState({ ...WELL, trouble: "edges-away" })).toBe("playing");
  expect(playerState({ ...WELL, trouble: "edges-away", isStalled: true })).toBe("edges-away");
  expect(playerState({ ...WELL, isStalled: true })).toBe("stalled");
});

test("before the first picture it loads, or says why not", () => {
  expect(playerState({ ...WELL, hasMoved: false })).toBe("loading");
  expect(playerState({ ...WELL, hasMoved: false, trouble: "no-picture" })).toBe("no-picture");
  expect(playerState({ ...WELL, hasMoved: false, wantsPlay: false })).toBe("paused");
});

test("a moment is found in the video by its distance from the one that is shown", () => {
  const playing = { momentMs: 1_000_000, timeS: 50 };
  expect(seekTargetS(990_000, playing, [[20, 55]])).toBe(40);
  expect(seekTargetS(960_000, playing, [[20, 55]])).toBeUndefined();
  expect(seekTargetS(1_010_000, playing, [[20, 55]])).toBeUndefined();
});
