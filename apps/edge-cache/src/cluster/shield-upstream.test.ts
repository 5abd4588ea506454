/** When a shield is told what was purged, and when it is asked. */
import { expect, test, vi } from "vitest";

import { Fields } from "../core/http/fields.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { Member } from "./member.ts";
import { ShieldUpstream } from "./shield-upstream.ts";

async function* nothing(): AsyncGenerator<Buffer> {}

/** A shield that has heard of a purge when the test says so. */
function shielded() {
  const state = { purged: 0, heard: 0 };
  /** What it knew when it was asked. */
  const asked: number[] = [];
  const answers: (() => void)[] = [];
  const shield: Upstream = {
    asksOrigin: () => true,
    open: async () => {
      asked.push(state.heard);
      return { status: 200, fields: new Fields([]), body: nothing(), trailers: () => [] };
    },
    [Symbol.asyncDispose]: async () => {},
  };
  const upstream = new ShieldUpstream({
    name: "edge-1",
    shield: new Member("shield-1", "https://127.0.0.1:1", shield),
    isTold: () => state.heard === state.purged,
    tell: async () => {
      const { purged } = state;
      await new Promise<void>((resolve) => answers.push(resolve));
      state.heard = purged;
    },
  });
  const open = () =>
    upstream.open({
      method: "GET",
      target: "/live/a/1.m4s",
      fields: new Fields([]),
      body: undefined,
      signal: new AbortController().signal,
    });
  /** It answers who told it. */
  const hear = async () => {
    await vi.waitFor(() => expect(answers).toHaveLength(1));
    answers.shift()!();
  };
  return { state, asked, answers, open, hear };
}

test("it is told once for all who wait", async () => {
  const { state, asked, answers, open, hear } = shielded();
  state.purged = 1;
  const questions = [open(), open()];
  await hear();
  await Promise.all(questions);
  await open();
  expect(asked).toEqual([1, 1, 1]);
  expect(answers).toEqual([]);
});

test("what is purged while it is told of something else it hears of, too, before it is asked", async () => {
  const { state, asked, open, hear } = shielded();
  state.purged = 1;
  const first = open();
  state.purged = 2;
  const second = open();
  await hear();
  await hear();
  await Promise.all([first, second]);
  expect(asked).toEqual([2, 2]);
});
