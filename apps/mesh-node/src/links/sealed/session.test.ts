import { hash } from "node:crypto";

import { create, toBinary } from "@bufbuild/protobuf";
import { DataSchema, FrameSchema } from "@glassline/proto/mesh";
import { describe, expect, test } from "vitest";

import { sentData } from "../../data-frames.ts";
import { BULK, CONTROL, URGENT } from "./outbox.ts";
import { Pair, bytesOf, message } from "./session.testing.ts";

describe("a sealed session", () => {
  test.each([0, 0.05, 0.3])(
    "brings all messages, each once, when %d of the records are lost",
    (lost) => {
      const pair = new Pair({ lost, seed: 3 });
      const sent = Array.from({ length: 300 }, (_, at) => message(at, 1 + ((at * 37) % 2_500)));
      for (const one of sent) expect(pair.a.put(BULK, "flow", one)).toBe(true);
      for (let at = 0; at < 50; at++) pair.b.put(BULK, "back", message(at));
      pair.run(lost > 0.1 ? 400_000 : 20_000);
      const sorted = (all: Buffer[]) => all.map((one) => hash("md5", one)).toSorted();
      expect(sorted(pair.heard.b)).toEqual(sorted(sent));
      expect(pair.heard.a).toHaveLength(50);
    },
  );

  test("keeps the order of what routes hang on, whatever is lost", () => {
    const pair = new Pair({ lost: 0.2, seed: 5 });
    const sent = Array.from({ length: 200 }, (_, at) => message(at, 700));
    for (const one of sent) pair.a.put(CONTROL, "", one);
    pair.run(60_000);
    expect(pair.heard.b).toEqual(sent);
  });

  test("packs small messages", () => {
    const pair = new Pair();
    for (let at = 0; at < 100; at++) pair.a.put(BULK, "flow", message(at, 100));
    pair.run(1_000);
    expect(pair.heard.b).toHaveLength(100);
    expect(pair.records).toBeLessThan(40);
  });

  test.each([
    ["62 bytes", 62, { source: "node-1" }],
    [
      "93 bytes where it carries a trace context",
      93,
      { source: "node-1", path: ["node-1"], hopContexts: [Buffer.alloc(29)] },
    ],
  ])("adds to a packet that is alone %s", (_what, added, of) => {
    const pair = new Pair();
    const init = { circuit: 7n, destination: "node-2", hopLimit: 32, payload: Buffer.alloc(256) };
    const value = sentData(create(DataSchema, { ...init, ...of }));
    const frame = create(FrameSchema, { frame: { case: "data", value } });
    pair.a.put(BULK, "flow", toBinary(FrameSchema, frame));
    const [{ bytes } = { bytes: Buffer.alloc(0) }] = pair.a.records(0);
    expect(bytes.length - 256).toBe(added);
  });

  test("what is urgent overtakes, and no flow waits for another one", () => {
    const pair = new Pair();
    pair.a.put(BULK, "much", message(1, 400_000));
    pair.a.put(BULK, "little", message(2, 300));
    pair.run(30);
    pair.a.put(URGENT, "alarm", message(3, 300));
    pair.run(5_000);
    expect(pair.heard.b.map(({ length }) => length)).toEqual([300, 300, 400_000]);
    expect(pair.heard.b[0]!.toString()).toContain("2 2");
  });

  test("refuses what is more than may wait, and takes more when there is room", () => {
    const pair = new Pair();
    let taken = 0;
    while (pair.a.put(BULK, "flow", message(taken, 100_000))) taken++;
    expect(taken).toBe(41);
    expect(pair.a.put(CONTROL, "", message(0))).toBe(true);
    pair.run(60_000);
    expect(pair.heard.b).toHaveLength(taken + 1);
    expect(pair.a.put(BULK, "flow", message(0, 100_000))).toBe(true);
  });

  test("goes on after a time in which nothing came through", () => {
    const pair = new Pair({ seed: 7 });
    const sent = Array.from({ length: 1_000 }, (_, at) => message(at, 1_000));
    for (const one of sent) pair.a.put(CONTROL, "", one);
    pair.run(60);
    pair.lost = 1;
    pair.run(5_000);
    pair.lost = 0;
    pair.run(15_000);
    expect(pair.heard.b).toEqual(sent);
  });

  test("goes on over an epoch, with what is under way", () => {
    const pair = new Pair({ lost: 0.1, seed: 9 });
    for (let epoch = 0; epoch < 5; epoch++) {
      for (let at = 0; at < 40; at++) pair.a.put(CONTROL, "", message(epoch * 40 + at));
      pair.run(20);
      pair.rekey(10 * (epoch + 1));
    }
    pair.run(20_000);
    expect(pair.heard.b).toEqual(Array.from({ length: 200 }, (_, at) => message(at)));
  });

  test("sends nothing when there is nothing to say, and nothing for ever", () => {
    const pair = new Pair();
    pair.a.put(BULK, "flow", message(1));
    pair.run(1_000);
    const { records } = pair;
    pair.run(60_000);
    expect(pair.records).toBe(records);
    expect(pair.a.dueMs).toBe(Infinity);
  });

  test("a fleeting message goes at once, and is not sent again", () => {
    const pair = new Pair({ lost: 1 });
    pair.a.putFleeting(message(1, 20));
    pair.run(5_000);
    expect(pair.records).toBe(1);
    expect(pair.a.putFleeting(message(1, 1_300))).toBe(false);
  });

  test("says what of its messages may not have arrived", () => {
    const pair = new Pair();
    for (let number = 0; number < 5; number++)
      pair.a.put(BULK, `flow ${number % 2}`, message(number));
    pair.run(300);
    pair.lost = 1;
    const lost = [7, 8, 9].map(message);
    for (const one of lost) pair.a.put(BULK, "flow", one);
    pair.run(100);
    const waiting = message(10);
    pair.a.put(BULK, "flow", waiting);
    expect(pair.a.unarrived(BULK).map((bytes) => Buffer.from(bytes))).toEqual([...lost, waiting]);
    pair.lost = 0;
    pair.run(5_000);
    expect(pair.a.unarrived(BULK)).toEqual([]);
  });

  test("says what its records carry", () => {
    const pair = new Pair();
    pair.a.put(CONTROL, "", message(1));
    expect(pair.a.records(0).map(({ carries }) => carries)).toEqual(["control"]);
    pair.a.put(BULK, "flow", message(2));
    expect(pair.a.records(0).map(({ carries }) => carries)).toEqual(["data"]);
  });

  test("who closes says so", () => {
    const pair = new Pair();
    pair.run(10);
    pair.deliver("b", pair.a.bye(pair.nowMs));
    expect(pair.isClosedAtB).toBe(true);
  });

  test("after the time of its keys nothing is sent and nothing opened", () => {
    const pair = new Pair();
    pair.a.put(BULK, "flow", message(1));
    pair.nowMs = 180_000;
    expect(() => pair.a.records(pair.nowMs)).toThrow("its time is over");
  });

  test("a record counts once, and a changed or foreign one not at all", () => {
    const pair = new Pair();
    pair.a.put(BULK, "flow", message(1));
    const [record] = bytesOf(pair.a.records(0));
    const changed = Buffer.from(record!);
    changed[40]! ^= 1;
    expect(pair.deliver("b", changed)).toBe("forged");
    expect(pair.deliver("b", record!)).toMatchObject({ messages: [message(1)] });
    expect(pair.deliver("b", record!)).toBe("replayed");
    expect(pair.deliver("a", record!)).toBe("unknown_key");
  });
});
