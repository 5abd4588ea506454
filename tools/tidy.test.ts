/** Style that can be checked. Short and friendly: each message says what to do instead. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { describe, expect, test } from "vitest";

const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  encoding: "utf8",
})
  .split("\n")
  .filter((path) => path !== "" && existsSync(path));
const sources = files.filter((path) => /\.tsx?$/.test(path) && !path.includes("/gen/"));
const cores = sources.filter(
  (path) => /^apps\/[^/]+\/src\/core\//.test(path) && !path.endsWith(".test.ts"),
);

/** "path:line: text" of every line that matches. */
function linesWith(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    readFileSync(path, "utf8")
      .split("\n")
      .flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1}: ${line.trim()}`] : [])),
  );
}

describe("tidy", () => {
  test("a core is pure: no node:, no grpc, no fastify, no clock of its own", () => {
    expect(
      linesWith(cores, /from "(node:|@grpc\/|fastify)|Date\.now|performance\.now|Math\.random/),
    ).toEqual([]);
  });

  test("imports do not climb three folders: give the module a name in package.json instead", () => {
    expect(linesWith(sources, /from "\.\.\/\.\.\/\.\.\//)).toEqual([]);
  });

  test("no barrels: import from where it is", () => {
    expect(linesWith(sources, /^export \* from/)).toEqual([]);
  });

  test("no unfinished marks", () => {
    expect(
      linesWith(
        sources.filter((path) => !path.endsWith("tidy.test.ts")),
        /\b(TODO|FIXME|XXX)\b|not implemented/,
      ),
    ).toEqual([]);
  });

  test("every app has the same rooms", () => {
    const apps = [
      ...new Set(files.flatMap((path) => /^apps\/([^/]+)\//.exec(path)?.[1] ?? [])),
    ].filter((app) => app !== "stack");
    const rooms = (app: string) => [
      "package.json",
      "turbo.json",
      "README.md",
      "src/main.ts",
      "src/config.ts",
      `src/${app}.ts`,
    ];
    const missing = apps
      .flatMap((app) => rooms(app).map((room) => `apps/${app}/${room}`))
      .filter((path) => !existsSync(path));
    expect(missing).toEqual([]);
  });

  test("every relative link in a document leads somewhere", () => {
    const broken = files
      .filter((path) => path.endsWith(".md"))
      .flatMap((path) =>
        [...readFileSync(path, "utf8").matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
          .map(([, target]) => join(dirname(path), target!))
          .filter((target) => !existsSync(target))
          .map((target) => `${path}: ${target}`),
      );
    expect(broken).toEqual([]);
  });

  test("versions are pinned", () => {
    const loose = linesWith(
      files.filter((path) => path.endsWith("package.json")),
      /"[^"]+": "[\^~]/,
    );
    expect(loose).toEqual([]);
  });
});
