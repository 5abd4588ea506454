import { numberNear } from "@glassline/quantum/keys/number-near";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Item } from "./contents.ts";
import { ContentsError, NUMBERS, ackBytes, partBytes, readItems, writeItems } from "./contents.ts";
import { Inbox, MESSAGE_MAX_BYTES } from "./inbox.ts";
import { Received } from "./received.ts";
import type { Ack } from "./recovery.ts";
import { ACK_DELAY_MAX_MS } from "./recovery.ts";

/** Of the records that are acknowledged, the next one. */
const SENT = 2 ** 33;
const bytes = fc.uint8Array({ maxLength: 300 }).map((some) => Buffer.from(some));
const part = fc.record({
  channel: fc.integer({ min: 0, max: 2 }),
  message: fc.integer({ min: 0, max: NUMBERS - 1 }),
  offset: fc.integer({ min: 0, max: 2 ** 24 - 1 }),
  isLast: fc.boolean(),
  bytes,
  padAt: fc.option(fc.integer({ min: 0, max: 2 ** 48 - 1 }), { nil: undefined }),
});
const ack = fc
  .uniqueArray(fc.integer({ min: SENT - 400, max: SENT - 1 }), { minLength: 1, maxLength: 60 })
  .map((numbers) => {
    const received = new Received();
    for (const number of numbers) received.take(number, true, 0);
    return received.ack(4)!;
  });
const item: fc.Arbitrary<Item> = fc.oneof(
  fc.record({ kind: fc.constant("part" as const), part }),
  fc.record({ kind: fc.constant("ack" as const), ack }),
  fc.record({ kind: fc.constant("fleeting" as const), bytes }),
  fc.constant({ kind: "bye" as const }),
);

describe("contents of a record", () => {
  test("are read as they were written", () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 8 }), (items) => {
        expect(readItems(writeItems(items), SENT)).toEqual(items);
      }),
    );
  });

  test("whatever comes is read, or refused with a reason", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (some) => {
        try {
          readItems(Buffer.from(some), SENT);
        } catch (error) {
          expect(error).toBeInstanceOf(ContentsError);
        }
      }),
      { numRuns: 5_000 },
    );
  });

  test("a whole message that is alone takes four bytes more than it is long", () => {
    const one = {
      channel: 2,
      message: 70_000_000,
      offset: 0,
      isLast: true,
      bytes: Buffer.alloc(9),
    };
    expect(writeItems([{ kind: "part", part: one }])).toHaveLength(13);
    const items = [{ kind: "part", part: one }, { kind: "bye" }] as const;
    expect(writeItems(items)).toHaveLength(partBytes(one) + 1);
    expect(readItems(writeItems(items), SENT)).toEqual([
      { kind: "part", part: { ...one, message: 70_000_000 % NUMBERS } },
      { kind: "bye" },
    ]);
  });

  test("an acknowledgement is as long as is told at most, and mostly short", () => {
    const lengthOf = (one: Ack) => writeItems([{ kind: "ack", ack: one }]).length;
    fc.assert(
      fc.property(ack, (one) => {
        expect(lengthOf(one)).toBeLessThanOrEqual(ackBytes(one.ranges.length));
      }),
    );
    const all = [[0, 99_999]] as const;
    expect(lengthOf({ largest: 99_999, delayMs: 1, ranges: all })).toBe(12);
  });
});

describe("what has been received", () => {
  test("is told as runs, whatever the order", () => {
    const received = new Received();
    for (const number of [5, 1, 2, 9, 6, 4, 2]) received.take(number, true, 0);
    expect(received.ack(3)).toEqual({
      largest: 9,
      delayMs: 3,
      ranges: [
        [9, 9],
        [4, 6],
        [1, 2],
      ],
    });
    received.take(3, true, 4);
    expect(received.ack(4)!.ranges).toEqual([
      [9, 9],
      [1, 6],
    ]);
  });

  test("is told after ten packets, at once when something is missing or waited for, soon in any case, and never for acknowledgements", () => {
    const received = new Received();
    received.take(0, false, 0);
    expect(received.dueMs).toBe(Infinity);
    received.take(1, true, 100);
    expect(received.dueMs).toBe(120);
    for (let number = 2; number <= 10; number++) received.take(number, true, 105);
    expect(received.dueMs).toBe(105);
    received.ack(105);
    received.take(11, true, 110);
    expect(received.dueMs).toBe(105 + ACK_DELAY_MAX_MS);
    received.take(13, true, 200);
    expect(received.dueMs).toBe(200);
    received.ack(200);
    received.take(14, "now", 300);
    expect(received.dueMs).toBe(300);
  });
});

describe("the inbox", () => {
  const whole = (message: number, text: string, channel = 2) => ({
    channel,
    message,
    offset: 0,
    isLast: true,
    bytes: Buffer.from(text),
  });

  test("gives each message once", () => {
    const inbox = new Inbox();
    expect(inbox.take(whole(1, "b"))).toHaveLength(1);
    expect(inbox.take(whole(1, "b"))).toHaveLength(0);
    expect(inbox.take(whole(0, "a"))).toHaveLength(1);
    expect(inbox.take(whole(0, "a"))).toHaveLength(0);
  });

  test("knows messages by the last bits of their numbers", () => {
    const near = (expected: number, number: number) =>
      numberNear(expected, number % NUMBERS, NUMBERS);
    for (const expected of [0, 1, NUMBERS - 1, NUMBERS, 5 * NUMBERS + 7])
      for (const ahead of [0, 1, 4_095, -1, -200_000])
        expect(near(expected, (expected + ahead + NUMBERS) % NUMBERS)).toBe(expected + ahead);
  });

  test("gives those of the control channel in their order", () => {
    const inbox = new Inbox();
    expect(inbox.take(whole(1, "b", 0))).toEqual([]);
    expect(inbox.take(whole(0, "a", 0)).map(String)).toEqual(["a", "b"]);
  });

  test("refuses what would fill the memory, and parts that overlap", () => {
    const inbox = new Inbox();
    expect(() => inbox.take(whole(4_096, "far"))).toThrow("while 0 is missing");
    const far = { ...whole(0, "x"), offset: MESSAGE_MAX_BYTES };
    expect(() => inbox.take(far)).toThrow("more than");
    inbox.take({ ...whole(2, "abc"), isLast: false });
    inbox.take({ ...whole(2, "bcd"), offset: 1, isLast: false });
    expect(() => inbox.take({ ...whole(2, "ef"), offset: 4 })).toThrow("overlap");
  });
});
