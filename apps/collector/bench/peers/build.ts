/** Builds the OpenTelemetry Collector of builder.yaml once and keeps it in the user's cache. */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { once } from "node:events";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MANIFEST = fileURLToPath(new URL("builder.yaml", import.meta.url));
const CACHE =
  process.env["GLASSLINE_PEERS"] ??
  join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "glassline/peers");

const manifest = readFileSync(MANIFEST, "utf8");

/** Of the Collector and of its builder. */
export const OTELCOL_VERSION = /^ {2}version: (\S+)$/m.exec(manifest)![1]!;

/**
 * The path of the binary, or why there is none.
 * @param mayBuild building takes minutes and asks the network for modules.
 */
export async function otelcolBinary(
  mayBuild: boolean,
): Promise<{ path: string } | { why: string }> {
  const hash = createHash("sha256").update(manifest).digest("hex").slice(0, 12);
  const path = join(CACHE, `otelcol-${OTELCOL_VERSION}-${hash}`);
  if (existsSync(path)) return { path };
  if (!mayBuild) return { why: "it is not built yet, and --quick does not build it" };
  if (spawnSync("go", ["version"]).status !== 0) return { why: "there is no Go to build it with" };
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, "building-"));
  try {
    const code = await build(folder);
    if (code !== 0) return { why: `building it ended with exit code ${code}` };
    renameSync(join(folder, "build/otelcol"), path);
    return { path };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function build(folder: string): Promise<number | null> {
  process.stderr.write(`building the OpenTelemetry Collector ${OTELCOL_VERSION} ...\n`);
  const builder = `go.opentelemetry.io/collector/cmd/builder@v${OTELCOL_VERSION}`;
  const child = spawn("go", ["run", builder, `--config=${MANIFEST}`], {
    cwd: folder,
    stdio: ["ignore", process.stderr, process.stderr],
  });
  const [code] = (await once(child, "close")) as [number | null];
  return code;
}
