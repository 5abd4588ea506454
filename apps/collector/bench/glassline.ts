/** Glassline's collector as a user starts it, with a certificate of the development CA; OTLP in plaintext as the peers take it. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { ensureDevelopmentPki } from "@glassline/service/pki";

import { startPinned } from "./pinned-process.ts";
import type { System } from "./system.ts";
import { TOKEN, freePorts } from "./system.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

export const glassline: System = {
  name: "glassline",
  start: async (directory) => {
    const pkiDir = join(directory, "pki");
    await ensureDevelopmentPki(pkiDir, [{ role: "collector", instance: "collector" }]);
    const [port, adminPort, grpcPort, httpPort] = await freePorts(4);
    const process_ = await startPinned({
      words: [
        process.execPath,
        MAIN,
        `--data-dir=${join(directory, "data")}`,
        `--pki-dir=${pkiDir}`,
        `--port=${port}`,
        `--admin-port=${adminPort}`,
        `--otlp-grpc-port=${grpcPort}`,
        `--otlp-http-port=${httpPort}`,
        "--otlp-plaintext",
        "--log-level=warn",
      ],
      env: { GLASSLINE_COLLECTOR_OTLP_TOKEN: TOKEN },
      ports: [grpcPort!, httpPort!],
    });
    return {
      process: process_,
      grpcPort: grpcPort!,
      httpPort: httpPort!,
      [Symbol.asyncDispose]: () => process_[Symbol.asyncDispose](),
    };
  },
};
