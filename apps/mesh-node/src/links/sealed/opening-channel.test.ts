import { expect, test } from "vitest";

import { OpeningChannel, keyOf } from "./opening-channel.ts";

const NEIGHBOUR = { address: "127.0.0.1", port: 7_421 };
const QUESTION = { case: "introduction", value: { name: "node-1" } } as const;

test("who has been told to stop does not ask, and who is told so asks no more", async () => {
  let said = 0;
  const channel = new OpeningChannel(() => said++);
  const ask = (signal: AbortSignal) => channel.ask(keyOf(NEIGHBOUR), NEIGHBOUR, QUESTION, signal);
  await expect(ask(AbortSignal.abort())).rejects.toThrow("aborted");
  expect(said).toBe(0);
  const stop = new AbortController();
  const asking = ask(stop.signal);
  stop.abort();
  await expect(asking).rejects.toThrow("no answer from 127.0.0.1 7421");
  expect(said).toBe(1);
  expect(channel.isWaiting(keyOf(NEIGHBOUR))).toBe(false);
});
