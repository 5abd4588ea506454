/** What must be right before anything starts; each mistake is one clear line. */
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";

import { cameraIdOf, readRecording } from "@glassline/camera/recording";
import { OperatorError, messageOf, systemCodeOf } from "@glassline/service/errors";

import type { StackConfig } from "./config.ts";
import type { ProcessPlan } from "./plan.ts";
import { PORT_SPAN } from "./plan.ts";

const LOOPBACK = "127.0.0.1";

/** Each recording must be one that can be read. */
export async function checkRecordings(paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map((path) => readRecording(path, cameraIdOf(path))));
}

export async function checkDataFolder({ data, basePort }: StackConfig): Promise<void> {
  if (basePort + PORT_SPAN > 65_535) {
    throw new OperatorError(
      `--base-port: got ${basePort}, expected at most ${65_535 - PORT_SPAN}: the stack uses ${PORT_SPAN} ports.`,
    );
  }
  try {
    await mkdir(data, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new OperatorError(`--data: cannot make the folder ${data}: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

/** Every port of the plan must be free. */
export async function checkPorts(processes: readonly ProcessPlan[]): Promise<void> {
  const taken = (await Promise.all(processes.flatMap(({ ports }) => ports.map(takenPort)))).filter(
    (line) => line !== undefined,
  );
  if (taken.length === 0) return;
  throw new OperatorError(
    `${taken.length === 1 ? "A port is" : "Ports are"} taken by another program: ${taken.join(", ")}. ` +
      "Is Glassline running already? Stop that program, or choose other ports (--base-port, --otlp-grpc-port, --otlp-http-port).",
  );
}

async function takenPort({
  port,
  what,
}: {
  port: number;
  what: string;
}): Promise<string | undefined> {
  const server = createServer();
  server.listen({ port, host: LOOPBACK, exclusive: true });
  try {
    await once(server, "listening");
    return undefined;
  } catch (error) {
    if (systemCodeOf(error) === "EADDRINUSE") return `${port} (${what})`;
    throw new OperatorError(`port ${port} (${what}): ${messageOf(error)}.`, { cause: error });
  } finally {
    server.close();
  }
}
