import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { committedDockerfiles, dockerfiles } from "./dockerfiles.ts";
import { ROOT } from "./images/apps.ts";

const generated = await dockerfiles(ROOT);

/** Instructions of the last stage, with their words. */
function runtimeStage(dockerfile: string): { name: string; words: string }[] {
  const instructions = dockerfile
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => ({ name: line.split(" ", 1)[0]!, words: line.slice(line.indexOf(" ") + 1) }));
  return instructions.slice(instructions.findLastIndex(({ name }) => name === "FROM"));
}

describe("deploy/docker", () => {
  test("has the Dockerfiles that `npm run generate` writes, and no others", () => {
    const committed = committedDockerfiles(ROOT).map((path) => [
      path,
      readFileSync(join(ROOT, path), "utf8"),
    ]);
    expect(Object.fromEntries(committed)).toEqual(Object.fromEntries(generated));
  });

  test.each([...generated])("%s pins its base image and tools by version", (_path, dockerfile) => {
    expect(dockerfile).toMatch(/^ARG NODE_IMAGE=node:\d+\.\d+\.\d+-bookworm-slim$/m);
    expect(dockerfile).toMatch(/ turbo@\d+\.\d+\.\d+$/m);
    expect(dockerfile.match(/^FROM (?!base )/gm)).toHaveLength(1);
  });

  test.each([...generated])("%s runs as another user than root", (_path, dockerfile) => {
    const stage = runtimeStage(dockerfile);
    expect(stage.filter(({ name }) => name === "USER")).toEqual([
      { name: "USER", words: "1000:1000" },
    ]);
    const afterUser = stage.slice(stage.findIndex(({ name }) => name === "USER"));
    expect(afterUser.filter(({ name }) => name === "RUN" || name === "COPY")).toEqual([]);
  });

  test.each([...generated])("%s says how it is started, stopped and asked", (_path, dockerfile) => {
    const stage = runtimeStage(dockerfile);
    const names = stage.map(({ name }) => name);
    for (const name of ["EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT"])
      expect(names).toContain(name);
    const entry = stage.find(({ name }) => name === "ENTRYPOINT");
    expect(JSON.parse(entry!.words)).toEqual(["node", expect.stringMatching(/^apps\/.*main\.ts$/)]);
  });
});
