/** `npm run check`: everything that must hold before a change lands. The same on a laptop and in CI. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";

interface Step {
  name: string;
  run: () => Promise<string | undefined>;
}

/** Files that `npm run generate` writes. */
const GENERATED = [
  "proto/src/gen/**/*.ts",
  "packages/telemetry/src/gen/*.ts",
  "packages/telemetry/docs/*.md",
  "apps/*/README.md",
  "apps/opsbot/docs/channel.schema.json",
];

const command = (name: string, line: string, cwd = "."): Step => ({
  name,
  run: async () => {
    const child = spawn("npx", ["--no-install", ...line.split(" ")], {
      cwd,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", FORCE_COLOR: "0" },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, "close")) as [number | null];
    return code === 0 ? undefined : output;
  },
});

const generatedIsUpToDate: Step = {
  name: "generated code is up to date",
  run: async () => {
    const before = hashOfGenerated();
    const problem = await command("", "turbo run generate").run();
    if (problem !== undefined) return problem;
    if (before === hashOfGenerated()) return undefined;
    return "Generated files differed from their sources. They are right now: look at them and commit them.";
  },
};

function hashOfGenerated(): string {
  const hash = createHash("sha256");
  for (const path of GENERATED.flatMap((pattern) => globSync(pattern)).toSorted())
    hash.update(path).update(readFileSync(path));
  return hash.digest("hex");
}

const STEPS: readonly Step[] = [
  command("types", "tsc -p tsconfig.json"),
  command("types of the page", "tsc -p apps/dashboard/page/tsconfig.json"),
  command("types of phones' pages", "tsc -p apps/enrolment/page/tsconfig.json"),
  command("lint", "oxlint --deny-warnings ."),
  command("format", "oxfmt --check ."),
  command("boundaries", "turbo boundaries"),
  command("buf lint", "buf lint", "proto"),
  command("buf breaking", "buf breaking --against baseline.binpb", "proto"),
  generatedIsUpToDate,
];

let failed = 0;
for (const { name, run } of STEPS) {
  const startMs = performance.now();
  const problem = await run();
  const took = `${((performance.now() - startMs) / 1_000).toFixed(1)} s`;
  console.log(`${problem === undefined ? "ok    " : "FAILED"}  ${name.padEnd(28)} ${took}`);
  if (problem !== undefined) {
    failed++;
    console.log(problem.trimEnd().replaceAll(/^/gm, "        "));
  }
}
if (failed > 0) process.exitCode = 1;
