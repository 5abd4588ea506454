import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { afterEach, beforeEach, expect, test } from "vitest";

import { BundledProgram } from "./bundled-program.ts";

const run = promisify(execFile);
let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "glassline-bundle-"));
});

afterEach(() => rm(folder, { recursive: true }));

test("a program runs from its folder alone, and its compiled code is beside it", async () => {
  const source = join(folder, "source");
  await run("mkdir", [source]);
  await writeFile(join(source, "word.ts"), 'export const word: string = "harbour";\n');
  await writeFile(
    join(source, "main.ts"),
    'const { word } = await import("./word.ts");\nconsole.log(word, ...process.argv.slice(2));\n',
  );
  const program = new BundledProgram(join(folder, "bundle"), join(source, "main.ts"));
  await program.made();
  await rm(source, { recursive: true });
  const { stdout } = await run(process.execPath, [program.path, "light"]);
  expect(stdout).toBe("harbour light\n");
  expect(await readdir(program.environment["NODE_COMPILE_CACHE"]!)).not.toEqual([]);
});

test("what cannot be bundled is told, and tried again by the next one who asks", async () => {
  const source = join(folder, "main.ts");
  const program = new BundledProgram(join(folder, "bundle"), source);
  await expect(program.made()).rejects.toThrow(source);
  await writeFile(source, 'console.log("there");\n');
  await program.made();
  expect((await run(process.execPath, [program.path])).stdout).toBe("there\n");
});
