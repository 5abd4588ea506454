import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { changedSince, countPackages, sizeOf } from "./tree.ts";

const LOCK = {
  packages: {
    "": {},
    "apps/camera": {},
    "node_modules/@glassline/camera": { link: true },
    "node_modules/fastify": {},
    "apps/camera/node_modules/mp4box": {},
    "node_modules/fsevents": {},
    "node_modules/vitest": { dev: true },
    "node_modules/node": {},
  },
};

describe("a tree", () => {
  let tree = "";
  const install = (name: string) => mkdir(join(tree, name), { recursive: true });

  beforeEach(async () => {
    tree = await mkdtemp(join(tmpdir(), "glassline-tree-"));
    await writeFile(join(tree, "package-lock.json"), JSON.stringify(LOCK));
    for (const name of ["@glassline/camera", "fastify"]) await install(`node_modules/${name}`);
    await install("apps/camera/node_modules/mp4box");
  });
  afterEach(() => rm(tree, { recursive: true, force: true }));

  test("has the packages that are installed, but for links to the workspace", async () => {
    expect(await countPackages(tree)).toBe(2);
  });

  test.each(["vitest", "node"])("must not have the package %s", async (name) => {
    await install(`node_modules/${name}`);
    await expect(countPackages(tree)).rejects.toThrow(`got node_modules/${name}, expected`);
  });

  test("has a size, and tells which files changed since a moment", async () => {
    expect(await sizeOf(tree)).toBeGreaterThan(0);
    expect(await changedSince(tree, Date.now() - 60_000)).toContain("package-lock.json");
    expect(await changedSince(tree, Date.now() + 60_000)).toEqual([]);
  });
});
