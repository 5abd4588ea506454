import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { ActionFile } from "./action-file.ts";
import { OperatorError } from "./errors.ts";
import { Fencing } from "./fencing.ts";
import { OneShotActions } from "./one-shot-actions.ts";

describe("one-shot actions", () => {
  const caller = (idempotencyKey: string, fencingToken = 0n) => ({ idempotencyKey, fencingToken });

  test("are done once a key, also when asked twice at the same time", async () => {
    const actions = new OneShotActions();
    let done = 0;
    const work = async () => ({ done: ++done });
    const [first, second] = await Promise.all([
      actions.once("purge", "x", caller("k"), work),
      actions.once("purge", "x", caller("k"), work),
    ]);
    expect([first, second]).toEqual([
      { done: 1, replayed: false },
      { done: 1, replayed: true },
    ]);
    expect(await actions.once("prime", "x", caller("k"), work)).toEqual({
      done: 2,
      replayed: false,
    });
  });
  test("that failed may be tried again with the same key", async () => {
    const actions = new OneShotActions();
    await expect(
      actions.once("purge", "x", caller("k"), () => Promise.reject(new Error("no"))),
    ).rejects.toThrow("no");
    expect(await actions.once("purge", "x", caller("k"), async () => ({}))).toEqual({
      replayed: false,
    });
  });
  test("of a caller that another has taken over from are refused", async () => {
    const actions = new OneShotActions();
    await actions.once("purge", "x", caller("a", 5n), async () => ({}));
    await expect(actions.once("purge", "x", caller("b", 4n), async () => ({}))).rejects.toThrow(
      /got 4, expected at least 5/,
    );
    await actions.once("purge", "x", caller("c"), async () => ({}));
    await expect(actions.once("purge", "y", caller("c"), async () => ({}))).rejects.toThrow(
      /got that of the purge of x, expected a new one for y/,
    );
    await expect(actions.once("purge", "x", caller(""), async () => ({}))).rejects.toThrow(
      /idempotency_key/,
    );
  });
  test("where people may not, need a fencing token", async () => {
    const actions = new OneShotActions({ peopleMay: false });
    await expect(actions.once("restart", "x", caller("a"), async () => ({}))).rejects.toThrow(
      "fencing_token: got 0, expected at least 1",
    );
    await actions.once("restart", "x", caller("a", 1n), async () => ({}));
  });
  test("of an earlier life are not done again, and stay bound to their target", async () => {
    const actions = new OneShotActions();
    actions.recall("restart", "x", "a", {});
    const work = () => Promise.reject(new Error("done again"));
    expect(await actions.once("restart", "x", caller("a"), work)).toEqual({ replayed: true });
    await expect(actions.once("restart", "y", caller("a"), work)).rejects.toThrow(/expected a new/);
  });
});

describe("fencing", () => {
  test("refuses what is lower than the highest token seen, and what was kept before", async () => {
    const fencing = new Fencing(7n);
    await expect(fencing.raise(6n)).rejects.toMatchObject({ code: "failed_precondition" });
    await fencing.raise(7n);
    await fencing.raise(9n);
    await expect(fencing.raise(8n)).rejects.toThrow(/got 8, expected at least 9/);
    await expect(fencing.raise(0n)).rejects.toMatchObject({ code: "invalid_argument" });
    expect(fencing.highest).toBe(9n);
  });
  test("refuses the one that was written while a higher one came", async () => {
    const written: (() => void)[] = [];
    const fencing = new Fencing(0n, () => new Promise((resolve) => written.push(resolve)));
    const lower = fencing.raise(1n);
    const higher = fencing.raise(2n);
    written.forEach((resolve) => resolve());
    await expect(lower).rejects.toThrow(/got 1, expected at least 2/);
    await higher;
  });
  test("lets nobody in whose token cannot be kept, and tries again", async () => {
    let isFull = true;
    const fencing = new Fencing(0n, async () => {
      if (isFull) throw new Error("ENOSPC");
    });
    await expect(fencing.raise(1n)).rejects.toMatchObject({ code: "unavailable" });
    isFull = false;
    await fencing.raise(1n);
  });
});

describe("the file of actions", () => {
  let directory: string;
  beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), "glassline-actions-"))));
  afterEach(() => rm(directory, { recursive: true, force: true }));
  const path = () => join(directory, "actions.json");

  test("keeps the highest token and the newest keys", async () => {
    const file = await ActionFile.open(path());
    expect([file.fencingToken, file.keys]).toEqual([0n, []]);
    await Promise.all([
      file.keepToken(2n ** 63n),
      file.keepToken(5n),
      ...Array.from({ length: 1_002 }, (_, at) => file.keepKey(`key-${at}`)),
      file.keepKey("key-2"),
    ]);
    const again = await ActionFile.open(path());
    expect(again.fencingToken).toBe(2n ** 63n);
    expect(again.keys.length).toBe(1_000);
    expect([again.keys[0], again.keys.at(-1)]).toEqual(["key-3", "key-2"]);
    expect(JSON.parse(await readFile(path(), "utf8"))).toMatchObject({
      fencingToken: "9223372036854775808",
    });
  });
  test.each(["", "{}", '{"fencingToken":"-1","keys":[]}', '{"fencingToken":"1","keys":[2]}'])(
    "that is %j is not guessed at",
    async (text) => {
      await writeFile(path(), text);
      await expect(ActionFile.open(path())).rejects.toThrow(OperatorError);
      const anew = ActionFile.begin(path());
      await anew.keepToken(3n);
      expect((await ActionFile.open(path())).fencingToken).toBe(3n);
    },
  );
  test("that cannot be written rejects, and goes on when it can be", async () => {
    const file = ActionFile.begin(join(directory, "later", "actions.json"));
    await expect(file.keepToken(1n)).rejects.toThrow(/ENOENT/);
    await mkdir(join(directory, "later"));
    await file.keepKey("a");
    expect((await ActionFile.open(join(directory, "later", "actions.json"))).fencingToken).toBe(1n);
  });
});
