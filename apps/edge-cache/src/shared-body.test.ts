import { setImmediate as turn } from "node:timers/promises";

import { expect, test } from "vitest";

import { InFlight } from "./core/in-flight.ts";
import { SharedBody, TooSlowError } from "./shared-body.ts";

const MIB = 1_048_576;
const KEPT = { inFlight: new InFlight(16 * MIB), keptMaxBytes: MIB };

async function readAll(body: SharedBody): Promise<string> {
  let text = "";
  for await (const chunk of body.read()) text += chunk.toString();
  return text;
}

test("whoever comes while it grows gets all of it, as it comes", async () => {
  const body = new SharedBody(KEPT);
  const early = body.read();
  await body.write(Buffer.from("one "));
  expect((await early.next()).value?.toString()).toBe("one ");
  const late = readAll(body);
  await body.write(Buffer.from("two"));
  expect((await early.next()).value?.toString()).toBe("two");
  body.end();
  expect([await late, await readAll(body), (await early.next()).done]).toEqual([
    "one two",
    "one two",
    true,
  ]);
  expect((await body.finished()).toString()).toBe("one two");
});

test("who waits for the rest of one that fails is told", async () => {
  const body = new SharedBody(KEPT);
  await body.write(Buffer.from("half"));
  const [read, finished] = [readAll(body), body.finished()];
  body.fail(new Error("cut off"));
  await expect(read).rejects.toThrow("cut off");
  await expect(finished).rejects.toThrow("cut off");
  await expect(readAll(body)).rejects.toThrow("cut off");
});

/** Writes so many chunks of a quarter MiB, as fast as it may. */
async function fill(body: SharedBody, chunks: number, written: () => void = () => {}) {
  for (let at = 0; at < chunks; at++) {
    await body.write(Buffer.alloc(MIB / 4, at));
    written();
  }
  body.end();
}

async function bytesOf(reader: AsyncIterable<Buffer>): Promise<number> {
  let bytes = 0;
  for await (const chunk of reader) bytes += chunk.length;
  return bytes;
}

test("one that is too large goes at the pace of its reader, and is not kept", async () => {
  const body = new SharedBody(KEPT);
  const reader = body.read();
  let written = 0;
  const writing = fill(body, 64, () => written++);
  await reader.next();
  for (let turns = 0; turns < 100; turns++) await turn();
  // What is kept, what may wait, and the one that is being written.
  expect(written).toBeLessThan(12);
  expect(body.isKept).toBe(false);
  expect(() => body.whole()).toThrow(/more than 1048576/);
  expect(await bytesOf(reader)).toBe(16 * MIB - MIB / 4);
  await writing;
});

test("of one that is too large who falls far behind is cut off, and the others go on", async () => {
  const counted: string[] = [];
  const inFlight = new InFlight(16 * MIB, (what) => counted.push(what));
  const body = new SharedBody({ inFlight, keptMaxBytes: MIB });
  let isCut = false;
  const stalled = body.read(() => (isCut = true));
  const slow = body.read();
  const good = body.read();
  const writing = fill(body, 64);
  await Promise.all([stalled.next(), slow.next()]);
  let goodBytes = 0;
  let mostInFlight = 0;
  for await (const chunk of good) {
    goodBytes += chunk.length;
    mostInFlight = Math.max(mostInFlight, inFlight.bytes);
    // A little slower than the fastest one is no harm.
    if (goodBytes > MIB) await slow.next();
  }
  await writing;
  expect(goodBytes).toBe(16 * MIB);
  expect(await bytesOf(slow)).toBeGreaterThan(0);
  expect([isCut, counted]).toEqual([true, ["reader_cut"]]);
  await expect(stalled.next()).rejects.toThrow(TooSlowError);
  expect(mostInFlight).toBeLessThan(5 * MIB);
  expect(inFlight.bytes).toBe(0);
});

test("when the fastest reader stops, those behind it go on", async () => {
  const body = new SharedBody(KEPT);
  const first = body.read();
  const second = body.read();
  const writing = fill(body, 64);
  await second.next();
  for (let at = 0; at < 8; at++) await first.next();
  expect(await bytesOf(second)).toBe(16 * MIB - MIB / 4);
  await writing;
});

test("large ones that are kept together take no more than they may; one that is alone always may", async () => {
  const counted: string[] = [];
  const inFlight = new InFlight(4 * MIB, (what) => counted.push(what));
  const open = async (lengthBytes: number) => {
    const body = new SharedBody({ inFlight, keptMaxBytes: 64 * MIB });
    await body.announce(lengthBytes);
    return body;
  };
  const alone = await open(60 * MIB);
  expect([alone.isKept, (await open(2 * MIB)).isKept]).toEqual([true, false]);
  expect((await open(1_000)).isKept).toBe(true);
  const late = open(2 * MIB);
  alone.end();
  const [one, two] = [await late, await open(2 * MIB)];
  expect([one.isKept, two.isKept, (await open(MIB)).isKept]).toEqual([true, true, false]);
  expect(counted).toEqual(["not_kept", "not_kept"]);
  // One that does not say how long it is, is kept while there is room.
  const unknown = await open(0);
  await unknown.write(Buffer.alloc(MIB - 1));
  expect(unknown.isKept).toBe(true);
  await unknown.write(Buffer.alloc(1));
  expect(unknown.isKept).toBe(false);
  one.fail(new Error("cut off"));
  two.end();
  unknown.fail(new Error("cut off"));
  expect(inFlight.bytes).toBe(0);
  expect(inFlight.reserve(4 * MIB, 0)).toBe(true);
});

test("when the last reader leaves, the one who writes is told", async () => {
  const body = new SharedBody(KEPT);
  let isUnread = false;
  body.onUnread(() => (isUnread = true));
  const [first, second] = [body.read(), body.read()];
  await body.write(Buffer.from("x"));
  await first.next();
  await second.next();
  await first.return(undefined);
  expect(isUnread).toBe(false);
  await second.return(undefined);
  expect(isUnread).toBe(true);
});
