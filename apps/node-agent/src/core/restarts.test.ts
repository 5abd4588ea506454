import { create } from "@bufbuild/protobuf";
import { RestartPolicySchema } from "@glassline/proto/node";
import { expect, test } from "vitest";

import { Restarts } from "./restarts.ts";

const backoff = () => {
  const state = { resets: 0 };
  return { state, nextMs: () => 7, reset: () => void state.resets++ };
};
const policy = (attemptsMax: number) =>
  create(RestartPolicySchema, { pauseMs: 100, pauseMaxMs: 350, attemptsMax });

test("the pause doubles up to its bound, for ever where attempts are not counted", () => {
  const restarts = new Restarts(backoff());
  const pauses = Array.from({ length: 5 }, () => restarts.pauseAfter(10, policy(0)));
  expect(pauses).toEqual([100, 200, 350, 350, 350]);
});

test("after so many ends in a row it is given up", () => {
  const restarts = new Restarts(backoff());
  const pauses = Array.from({ length: 3 }, () => restarts.pauseAfter(0, policy(3)));
  expect(pauses).toEqual([100, 200, undefined]);
  restarts.reset();
  expect(restarts.pauseAfter(0, policy(3))).toBe(100);
});

test("an end after a long run is the first of a row", () => {
  const restarts = new Restarts(backoff());
  restarts.pauseAfter(10, policy(3));
  restarts.pauseAfter(10, policy(3));
  expect(restarts.pauseAfter(60_000, policy(3))).toBe(100);
});

test("without a policy the agent's own pauses are taken", () => {
  const own = backoff();
  const restarts = new Restarts(own);
  expect(restarts.pauseAfter(10, undefined)).toBe(7);
  expect(own.state.resets).toBe(0);
  restarts.pauseAfter(60_000, undefined);
  expect(own.state.resets).toBe(1);
});
