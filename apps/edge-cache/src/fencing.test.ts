/** Fencing tokens at an edge, which is killed and started again. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { ADMIN_TOKEN, adminCall } from "./edge-admin.testing.ts";
import type { TestOrigin } from "./edge-cache.testing.ts";
import { startOrigin } from "./edge-cache.testing.ts";
import { startEdgeProcess } from "./edge-process.testing.ts";

let origin: TestOrigin;
let directory: string;
beforeEach(async () => {
  origin = await startOrigin((_request, response) => response.end("hello"));
  directory = await mkdtemp(join(tmpdir(), "glassline-fencing-"));
});
afterEach(async () => {
  await origin[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

/** Calls an edge that lives so long. */
async function withEdge(
  words: readonly string[],
  use: (call: ReturnType<typeof adminCall>) => Promise<void>,
): Promise<void> {
  await using edge = await startEdgeProcess(origin.url, [`--admin-token=${ADMIN_TOKEN}`, ...words]);
  await use(adminCall(edge.adminPort));
}

const REFUSED = { code: "failed_precondition" };
const purge = { everything: true, idempotencyKey: "k" };
/** They differ where a double would not. */
const TOKEN = "1790000000000000007";
const LOWER = "1790000000000000006";

test(
  "lower tokens are refused from a fence on, also after SIGKILL",
  { timeout: 30_000 },
  async () => {
    const words = [`--disk=${directory}`, "--disk-size=64MiB"];
    await withEdge(words, async (call) => {
      expect(await call("Fence", { fencingToken: LOWER })).toEqual({ fencingToken: LOWER });
      expect(await call("Fence", { fencingToken: TOKEN })).toEqual({ fencingToken: TOKEN });
      expect(await call("Fence", { fencingToken: LOWER })).toMatchObject(REFUSED);
      expect(await call("Purge", { ...purge, fencingToken: LOWER })).toMatchObject(REFUSED);
      expect(await call("Fence", {})).toMatchObject({ code: "invalid_argument" });
    });
    await withEdge(words, async (call) => {
      expect(await call("Purge", { ...purge, fencingToken: LOWER })).toMatchObject(REFUSED);
      const path = "/a";
      expect(await call("Prime", { path, idempotencyKey: "k", fencingToken: LOWER })).toMatchObject(
        REFUSED,
      );
      expect(await call("Purge", { ...purge, fencingToken: TOKEN })).not.toHaveProperty("code");
      // People have none.
      expect(await call("Purge", purge)).not.toHaveProperty("code");
    });
  },
);

test("the token of a purge outlives the edge too", { timeout: 30_000 }, async () => {
  const words = [`--disk=${directory}`, "--disk-size=64MiB"];
  await withEdge(words, async (call) => {
    expect(await call("Purge", { ...purge, fencingToken: TOKEN })).not.toHaveProperty("code");
  });
  await withEdge(words, async (call) => {
    expect(await call("Fence", { fencingToken: LOWER })).toMatchObject(REFUSED);
  });
});

test(
  "an edge without a disk begins anew; a file that cannot be read hinders nobody",
  { timeout: 30_000 },
  async () => {
    await withEdge([], async (call) => {
      await call("Fence", { fencingToken: TOKEN });
    });
    await withEdge([], async (call) => {
      expect(await call("Fence", { fencingToken: LOWER })).toEqual({ fencingToken: LOWER });
    });
    await writeFile(join(directory, "actions.json"), "rotten");
    await withEdge(
      [`--disk=${directory}`, "--disk-size=64MiB", "--log-level=silent"],
      async (call) => {
        expect(await call("Fence", { fencingToken: LOWER })).toEqual({ fencingToken: LOWER });
      },
    );
  },
);
