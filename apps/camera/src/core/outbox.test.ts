import { expect, test } from "vitest";

import { Outbox } from "./outbox.ts";

function outboxOf(count: number, maxReports = 100): Outbox<string> {
  const outbox = new Outbox<string>(maxReports);
  for (let report = 1; report <= count; report++) outbox.push(`r${report}`);
  return outbox;
}

function sendAll(outbox: Outbox<string>): number[] {
  const sent: number[] = [];
  for (let outgoing = outbox.next(); outgoing; outgoing = outbox.next()) sent.push(outgoing.seq);
  return sent;
}

test("sends in order, forgets what is acknowledged, sends the rest again after a cut", () => {
  const outbox = outboxOf(5);
  expect(sendAll(outbox)).toEqual([1, 2, 3, 4, 5]);
  expect(outbox.acknowledge(2).map(({ report }) => report)).toEqual(["r1", "r2"]);
  expect(outbox.unacknowledged).toBe(3);
  outbox.rewind();
  expect(sendAll(outbox)).toEqual([3, 4, 5]);
});

test("goes back to a refused report", () => {
  const outbox = outboxOf(5);
  sendAll(outbox);
  outbox.rewind(4);
  expect(sendAll(outbox)).toEqual([4, 5]);
});

test("drops the newest when it is full, so that numbers stay without gaps", () => {
  const outbox = outboxOf(3, 3);
  expect(outbox.push("r4")).toBe(false);
  sendAll(outbox);
  outbox.acknowledge(1);
  expect(outbox.push("r5")).toBe(true);
  expect(sendAll(outbox)).toEqual([4]);
});

test("an acknowledgement of all leaves it empty", () => {
  const outbox = outboxOf(2);
  sendAll(outbox);
  outbox.acknowledge(99);
  expect([outbox.size, outbox.unacknowledged]).toEqual([0, 0]);
  outbox.push("r3");
  expect(sendAll(outbox)).toEqual([3]);
});

test("takes out one report, and sends the others on with their numbers", () => {
  const outbox = outboxOf(4);
  outbox.next();
  outbox.next();
  expect(outbox.remove(1)?.report).toBe("r1");
  expect(outbox.remove(1)).toBeUndefined();
  expect(sendAll(outbox)).toEqual([3, 4]);
  outbox.rewind();
  expect(sendAll(outbox)).toEqual([2, 3, 4]);
});
