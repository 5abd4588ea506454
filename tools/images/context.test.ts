import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { describe, expect, test } from "vitest";

import { ROOT } from "./apps.ts";
import { isIgnored, parseDockerignore } from "./context.ts";

const patterns = parseDockerignore(readFileSync(join(ROOT, ".dockerignore"), "utf8"));

/** As `docker build` does: what lies below an ignored folder is ignored. */
function isSent(path: string): boolean {
  for (let at = path; at !== "."; at = dirname(at)) if (isIgnored(at, patterns)) return false;
  return true;
}

describe(".dockerignore", () => {
  test.each([
    ".git/config",
    ".glassline/pki/ca.key",
    "node_modules/fastify/package.json",
    "apps/origin/node_modules/mp4box/package.json",
    "apps/dashboard/dist/index.html",
    "packages/service/src/pki.test.ts",
    "apps/dashboard/.turbo/turbo-build.log",
    "README.md",
  ])("leaves out %s", (path) => expect(isSent(path)).toBe(false));

  test.each([
    "LICENSE",
    "package.json",
    "package-lock.json",
    "tsconfig.base.json",
    "turbo.json",
    "apps/camera/src/main.ts",
    "apps/stack/package.json",
    "apps/dashboard/page/index.html",
    "apps/origin/test-card/test-card.mp4",
    "proto/src/gen/glassline/mesh/v1alpha1/mesh_pb.ts",
    "packages/telemetry/src/gen/conventions.ts",
  ])("sends %s", (path) => expect(isSent(path)).toBe(true));

  test("leaves out every test of the repository", () => {
    const tests = execFileSync("git", ["ls-files", "*.test.ts"], { cwd: ROOT, encoding: "utf8" });
    expect(tests.split("\n").filter((path) => path !== "" && isSent(path))).toEqual([]);
  });

  test("has no exceptions, which image:check would not understand", () => {
    expect(() => parseDockerignore("docs\n!docs/images\n")).toThrow(/got "!docs\/images"/);
  });
});
