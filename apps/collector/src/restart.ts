/** Starting anew when OpsBot asks for it: once a key, also when it is asked again after the start. */
import { join } from "node:path";

import type { ControlService } from "@glassline/proto/control";
import { RpcError } from "@glassline/proto/errors";
import type { Implementation } from "@glassline/proto/rpc";
import { ActionFile } from "@glassline/service/action-file";
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import { Fencing } from "@glassline/service/fencing";
import { OneShotActions } from "@glassline/service/one-shot-actions";

import type { CollectorConfig } from "./config.ts";

const NAME = "actions.json";
/** In which the answer reaches the caller, by way of a shard too. One that is lost is given again after the start. */
const ANSWER_MS = 200;

export type Restart = Implementation<typeof ControlService>["restart"];

export interface RestartDeps {
  clock: Clock;
  /** Ends the process as a signal does, so that whoever started it starts it again. */
  startAnew: () => void;
}

/** @param dataDir is there when the first restart is asked for. Fails with OperatorError. */
export async function createRestart(
  { dataDir, name }: Pick<CollectorConfig, "dataDir" | "name">,
  { clock, startAnew }: RestartDeps,
): Promise<Restart> {
  const file = await ActionFile.open(join(dataDir, NAME));
  const fencing = new Fencing(file.fencingToken, (token) => file.keepToken(token));
  const actions = new OneShotActions({ fencing, peopleMay: false });
  for (const key of file.keys) actions.recall("restart", name, key, {});
  return (request) =>
    actions.once("restart", name, request, async () => {
      await keep(file, request.idempotencyKey);
      void clock.sleep(ANSWER_MS).then(startAnew);
      return {};
    });
}

/** Rejects with RpcError. */
async function keep(file: ActionFile, key: string): Promise<void> {
  await file.keepKey(key).catch((error: unknown) => {
    const message = `idempotency_key: ${key} cannot be kept, nothing was done: ${messageOf(error)}`;
    throw new RpcError("unavailable", message, { cause: error });
  });
}
