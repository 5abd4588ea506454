/** What must be right before anything starts; each mistake is one clear line. */
import { once } from "node:events";
import { createServer } from "node:net";

import { readRecording } from "@glassline/camera/recording";
import type { CameraFiles } from "@glassline/mp4";
import { cameraIdsOf, readMp4 } from "@glassline/mp4";
import { survivors } from "@glassline/node-agent/survivors";
import { makeFolder } from "@glassline/segment-log/folder";
import { DirectoryInUse, lockDirectory } from "@glassline/segment-log/lock";
import { OperatorError, messageOf, systemCodeOf } from "@glassline/service/errors";

import type { Plan } from "./plan.ts";
import type { ProcessPlan } from "./process-plan.ts";

const LOOPBACK = "127.0.0.1";

/** Each recording must be one that can be read. */
export async function checkRecordings(cameras: readonly CameraFiles[]): Promise<void> {
  const ids = cameraIdsOf(cameras);
  await Promise.all(
    cameras.map(async ({ paths: [first, ...others] }, at) => {
      await readRecording(first!, ids[at]!);
      for (const path of others) await readMp4(path);
    }),
  );
}

/** Makes the data folder and holds it: two stacks never write to the same one. Fails with OperatorError. */
export async function holdDataFolder(data: string): Promise<Disposable> {
  try {
    await makeFolder(data);
    return lockDirectory(data);
  } catch (error) {
    throw new OperatorError(
      error instanceof DirectoryInUse
        ? `--data: ${data} is used by another Glassline that runs. Stop that one, or choose another folder.`
        : `--data: cannot write to ${data} (${systemCodeOf(error) ?? messageOf(error)}). Choose a folder that this user may write to.`,
      { cause: error },
    );
  }
}

/** Ports of the plan must be possible, and each for one service only. */
export function checkPlan(processes: readonly ProcessPlan[]): void {
  const ports = processes.flatMap((process) => process.ports);
  for (const [at, { port, what }] of ports.entries()) {
    const other = ports.slice(0, at).find((before) => before.port === port);
    if (other)
      throw new OperatorError(
        `port ${port}: got it for both ${other.what} and ${what}, expected different ports.`,
      );
  }
}

/** Every port of the plan must be free, or held by an edge that outlived its agent: that one is taken over. */
export async function checkPorts({ processes, agentDataDir }: Plan): Promise<void> {
  const ours = new Set(
    (await survivors(agentDataDir)).flatMap(({ port, grpcPort, adminPort, clusterPort }) => [
      port,
      grpcPort,
      adminPort,
      clusterPort,
    ]),
  );
  const wanted = processes.flatMap(({ ports }) => ports).filter(({ port }) => !ours.has(port));
  const taken = (await Promise.all(wanted.map(takenPort))).filter((line) => line !== undefined);
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
