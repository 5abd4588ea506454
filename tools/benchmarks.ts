/** `npm run bench`: runs the benchmarks of all workspaces, one after another, and writes BENCHMARKS.md. */
import { spawn } from "node:child_process";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import type { Line, Machine } from "./benchmarks/page.ts";
import { parseLine, replaceSections, writePage } from "./benchmarks/page.ts";
import { ROOT } from "./images/apps.ts";

const PAGE = join(ROOT, "BENCHMARKS.md");

const words = process.argv.slice(2);
const [first, ...files] = words;
if (words.includes("--help")) {
  console.log(`Runs the benchmarks of all workspaces and writes BENCHMARKS.md.

Usage: npm run bench [-- --quick]       --quick: under a minute each, and nothing is written
       npm run bench -w WORKSPACE       only that one's figures, as lines of JSON
       npm run bench -- --from FILE     puts such lines, just measured on this machine, into BENCHMARKS.md`);
} else if (first === "--from" && files.length > 0) await takeFrom(files);
else if (words.some((word) => word !== "--quick")) {
  console.error(
    `got ${words.join(" ")}, expected --quick, --from FILE or nothing\nSee: npm run bench -- --help`,
  );
  process.exitCode = 64;
} else await main(words.includes("--quick"));

async function main(isQuick: boolean): Promise<void> {
  const lines: Line[] = [];
  for (const workspace of await workspacesWithBenchmarks()) {
    console.error(`${workspace} ...`);
    lines.push(...(await run(workspace, isQuick)));
  }
  if (isQuick || process.exitCode) return;
  const before = await readFile(PAGE, "utf8");
  await writeFile(PAGE, writePage(lines, thisMachine(), before));
}

async function takeFrom(paths: readonly string[]): Promise<void> {
  const texts = await Promise.all(paths.map((path) => readFile(path, "utf8")));
  const lines = texts.flatMap((text) => text.split("\n")).flatMap((text) => parseLine(text) ?? []);
  if (lines.length === 0) throw new Error(`${paths.join(", ")}: got no figures, expected some`);
  await writeFile(PAGE, replaceSections(await readFile(PAGE, "utf8"), lines, thisMachine()));
}

function thisMachine(): Machine {
  return {
    processor: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGib: totalmem() / 2 ** 30,
    node: process.version,
    date: new Date().toISOString().slice(0, 10),
  };
}

async function workspacesWithBenchmarks(): Promise<string[]> {
  const found: string[] = [];
  for (const folder of ["packages", "apps"]) {
    for (const name of (await readdir(join(ROOT, folder))).toSorted()) {
      const text = await readFile(join(ROOT, folder, name, "package.json"), "utf8").catch(() => "");
      if (text === "") continue;
      const { scripts } = JSON.parse(text) as { scripts?: Record<string, string> };
      if (scripts?.["bench"]) found.push(join(folder, name));
    }
  }
  return found;
}

/** The figures are passed on as they come. */
async function run(workspace: string, isQuick: boolean): Promise<Line[]> {
  const child = spawn(process.execPath, ["bench/main.ts", ...(isQuick ? ["--quick"] : [])], {
    cwd: join(ROOT, workspace),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const lines: Line[] = [];
  for await (const text of createInterface({ input: child.stdout })) {
    console.log(text);
    const line = parseLine(text);
    if (line) lines.push(line);
  }
  const code = await ended;
  if (code !== 0) {
    console.error(`${workspace}: its benchmarks ended with exit code ${code}`);
    process.exitCode = 1;
  }
  return lines;
}
