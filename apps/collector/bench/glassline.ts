/** Glassline's collector as a user starts it, with a certificate of the development CA; OTLP in plaintext as the peers take it. */
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import type { PeerName } from "@glassline/service/identity";
import { ensureDevelopmentPki } from "@glassline/service/pki";

import manifest from "../package.json" with { type: "json" };
import { startPinned } from "@glassline/bench/pinned-process";
import type { RunningSystem, System } from "./system.ts";
import { TOKEN } from "./system.ts";
import { freePorts } from "@glassline/bench/ports";

const WORKSPACE = fileURLToPath(new URL("..", import.meta.url));
/** What `npm run start` runs; the shell becomes the process. */
const START = `cd "$0" && exec env ${manifest.scripts.start} "$@"`;

const SELF = { role: "collector", instance: "collector" } as const;

export interface RunningGlassline extends RunningSystem {
  /** OTQMN and queries. */
  port: number;
  adminPort: number;
  pkiDir: string;
}

export const glassline: System = {
  name: "glassline",
  start: (directory) => startGlassline(directory),
};

/** @param names who else has a certificate. @param takesOtlp false: as by default, without ports for OTLP. */
export async function startGlassline(
  directory: string,
  names: readonly PeerName[] = [],
  words: readonly string[] = [],
  { cores, takesOtlp = true }: { cores?: readonly number[] | undefined; takesOtlp?: boolean } = {},
): Promise<RunningGlassline> {
  const pkiDir = join(directory, "pki");
  await ensureDevelopmentPki(pkiDir, [SELF, ...names]);
  const [port, adminPort, grpcPort, httpPort] = await freePorts(4);
  const process_ = await startPinned({
    words: [
      "sh",
      "-c",
      START,
      WORKSPACE,
      `--data-dir=${join(directory, "data")}`,
      `--pki-dir=${pkiDir}`,
      `--port=${port}`,
      `--admin-port=${adminPort}`,
      `--otlp-grpc-port=${grpcPort}`,
      `--otlp-http-port=${httpPort}`,
      "--otlp-plaintext",
      "--log-level=warn",
      ...words,
    ],
    env: {
      GLASSLINE_COLLECTOR_OTLP_TOKEN: takesOtlp ? TOKEN : "",
      PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}`,
    },
    ...(cores && { cores }),
    ports: takesOtlp ? [grpcPort!, httpPort!] : [port!],
  });
  return {
    process: process_,
    port: port!,
    adminPort: adminPort!,
    grpcPort: grpcPort!,
    httpPort: httpPort!,
    pkiDir,
    [Symbol.asyncDispose]: () => process_[Symbol.asyncDispose](),
  };
}
