/** What every store promises, run over each of them: memory alone, and memory with a disk behind it. */
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";

import { Fields } from "../core/http/fields.ts";
import type { WidePurge } from "../core/purges.ts";
import { Purges } from "../core/purges.ts";
import { newFolder, startDisk } from "./disk/disk.testing.ts";
import { MemoryStore } from "./memory-store.ts";
import type { Purged, Store, StoredResponse } from "./store.ts";
import { TieredStore } from "./tiered-store.ts";

interface Subject extends AsyncDisposable {
  store: Store;
  /** As a request does it: from wherever it is. */
  lookUp(key: string): Promise<readonly StoredResponse[]>;
  /** Asked for now, and stored. */
  set(key: string, response: StoredResponse): boolean;
  purge(target: WidePurge["target"], isSoft?: boolean): Promise<Purged>;
}

function subjectOf(store: Store, purges: Purges, stack: AsyncDisposableStack): Subject {
  return {
    store,
    lookUp: async (key) => {
      await store.load?.(key);
      return store.get(key);
    },
    set: (key, response) => store.set(key, { ...response, since: purges.last }),
    purge: (target, isSoft = false) => {
      const purge = { target, isSoft };
      purges.add(purge);
      return store.purged(purge);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const nowMs = () => performance.now();

const STORES: Record<string, (maxBytes: number) => Promise<Subject>> = {
  memory: async (maxBytes) => {
    const purges = new Purges();
    const store = new MemoryStore(maxBytes, { purges, nowMs });
    return subjectOf(store, purges, new AsyncDisposableStack());
  },
  "memory and disk": async (maxBytes) => {
    const stack = new AsyncDisposableStack();
    const folder = stack.use(await newFolder());
    const disk = stack.use(await startDisk(folder.path));
    await disk.store.recovered;
    const memory = new MemoryStore(maxBytes, { purges: disk.purges, nowMs });
    return subjectOf(new TieredStore(memory, disk.store, nowMs), disk.purges, stack);
  },
};

function object(body: string, more: Partial<StoredResponse> = {}): StoredResponse {
  return {
    status: 200,
    fields: new Fields([["content-type", "video/mp4"]]),
    selecting: new Map(),
    policy: {
      lifetimeMs: 3_600_000,
      noCache: false,
      mustRevalidate: false,
      staleWhileRevalidateMs: 0,
      staleIfErrorMs: undefined,
    },
    bornMs: nowMs(),
    body: Buffer.from(body),
    part: undefined,
    tags: [],
    since: 0,
    ...more,
  };
}

const accepting = (text: string) => new Map([["accept", text]]);
const textsOf = (variants: readonly StoredResponse[]) =>
  variants.map(({ body }) => body.toString().trim());

const MAX_BYTES = 8_000;
const command = fc.record({
  key: fc.integer({ min: 0, max: 9 }).map((number) => `/${number % 2}/${number}`),
  size: fc.integer({ min: 0, max: 4_000 }),
  tag: fc.constantFrom("a", "b"),
  what: fc.constantFrom("set", "set", "look up", "remove", "tag", "prefix", "everything"),
});

describe.each(Object.entries(STORES))("%s", (_name, start) => {
  test("gives the last that was stored or nothing, never what was purged, and holds no more than it may", () =>
    fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 40 }), async (commands) => {
        await using subject = await start(MAX_BYTES);
        const { store } = subject;
        const last = new Map<string, { text: string; tag: string }>();
        for (const [at, { key, size, tag, what }] of commands.entries()) {
          const text = `${at}`;
          if (what === "set") {
            const isStored = subject.set(key, object(text.padEnd(size), { tags: [tag] }));
            if (isStored) last.set(key, { text, tag });
            else last.delete(key);
          }
          if (what === "remove") {
            store.remove(key);
            last.delete(key);
          }
          if (what === "tag" || what === "prefix" || what === "everything") {
            await subject.purge(
              what === "tag" ? { tag } : what === "prefix" ? { prefix: "/1" } : what,
            );
            for (const [other, known] of last) {
              const isHit = what === "tag" ? known.tag === tag : other.startsWith("/1");
              if (what === "everything" || isHit) last.delete(other);
            }
          }
          const known = last.get(key);
          const found = textsOf(await subject.lookUp(key));
          if (found.length > 0) expect(found).toEqual([known?.text]);
          expect(store.bytes).toBeLessThanOrEqual(MAX_BYTES);
        }
        await subject.purge("everything");
        expect([store.objects, store.bytes]).toEqual([0, 0]);
        for (const { key } of commands) expect(await subject.lookUp(key)).toEqual([]);
      }),
      { numRuns: 60 },
    ));

  test("has variants side by side, the newest first; one takes the place of its equal", async () => {
    await using subject = await start(100_000);
    const { lookUp, set, store } = subject;
    set("a", object("text", { selecting: accepting("text") }));
    set("a", object("json", { selecting: accepting("json") }));
    expect(textsOf(await lookUp("a"))).toEqual(["json", "text"]);
    set("a", object("newer", { selecting: accepting("text") }));
    expect(textsOf(await lookUp("a"))).toEqual(["newer", "json"]);
    for (let at = 0; at < 100; at++) set("a", object("", { selecting: accepting(String(at)) }));
    expect(await lookUp("a")).toHaveLength(64);
    store.remove("a");
    expect([await lookUp("a"), store.bytes]).toEqual([[], 0]);
  });

  test("purges a tag with all that has it and nothing else, though nobody asks for it", async () => {
    await using subject = await start(10_000_000);
    const { lookUp, purge, set, store } = subject;
    for (let at = 0; at < 1_500; at++) set(`/a/${at}`, object("a", { tags: ["channel:a"] }));
    set("/y", object("y", { tags: ["channel:a", "other"] }));
    set("/z", object("z", { tags: ["channel:b"] }));
    expect((await purge({ tag: "channel:a" })).objects).toBe(1_501);
    await vi.waitFor(() => expect(store.objects).toBe(1));
    expect((await purge({ tag: "other" })).objects).toBe(0);
    expect(textsOf(await lookUp("/z"))).toEqual(["z"]);
    expect(await lookUp("/y")).toEqual([]);
  });

  test("keeps what is purged softly, stale; what is stored after it is not", async () => {
    await using subject = await start(100_000);
    const { lookUp, purge, set, store } = subject;
    const lifetimeOf = async (key: string) => (await lookUp(key))[0]?.policy.lifetimeMs ?? -1;
    set("x", object("x", { tags: ["t"] }));
    set("y", object("y"));
    expect((await purge({ tag: "t" }, true)).objects).toBe(1);
    expect(store.soften("y").objects).toBe(1);
    expect(await lifetimeOf("x")).toBeLessThan(60_000);
    expect(await lifetimeOf("y")).toBeLessThan(60_000);
    set("x", object("x", { tags: ["t"] }));
    expect(await lifetimeOf("x")).toBe(3_600_000);
  });

  test("refuses what is larger than it may be, and has nothing of that name then", async () => {
    await using subject = await start(4_000);
    const { lookUp, set, store } = subject;
    set("a", object("small"));
    expect(set("a", object("x".repeat(5_000)))).toBe(false);
    expect([await lookUp("a"), store.bytes]).toEqual([[], 0]);
  });

  test("settles: what was removed stays so", async () => {
    await using subject = await start(100_000);
    subject.set("a", object("a"));
    await subject.store.settled?.();
    expect(subject.store.remove("a").objects).toBe(1);
    await subject.store.settled?.();
    expect(await subject.lookUp("a")).toEqual([]);
    expect(subject.store.remove("a").objects).toBe(0);
  });
});
