/** Telling node-agents of a channel, and waiting until it is so. */
import type { SetDesiredStateRequest } from "@glassline/proto/node";
import { messageOf } from "@glassline/service/errors";

import { released } from "../actions/effects.ts";
import type { Look } from "../machines.ts";
import { lookAtMachines } from "../machines.ts";
import type { Begun } from "./parts.ts";

const LOOK_INTERVAL_MS = 50;
/** All of what shall run is told then: much, where there are many channels. */
const TELL_INTERVAL_MS = 500;

/** Writes down what node-agents shall be told of the channel, and tells them. */
export async function tell(work: Begun, told: SetDesiredStateRequest): Promise<void> {
  const { parts, deployment, effects } = work;
  await parts.journal.transact(({ deployments }) =>
    deployments.change(deployment.channel, { told }),
  );
  work.deployment = { ...deployment, told };
  await released(effects);
  // Those that do not answer are waited for below, as far as they matter here.
  await effects.desired.tell(effects).catch(() => {});
}

/** Until nothing is lacking. Rejects with what is lacking when it takes too long. @param what for people: "segments". */
export async function waitFor(
  { effects }: Begun,
  what: string,
  timeoutMs: number,
  lacks: (look: Look) => readonly string[] | Promise<readonly string[]>,
): Promise<void> {
  const { clock, signal, network } = effects;
  let deadlineMs = clock.monotonicMs() + timeoutMs;
  let toldMs = clock.monotonicMs();
  /** Why a node-agent does not take it. */
  let refused: string[] = [];
  for (;;) {
    // As long as it is held nothing comes nearer.
    deadlineMs += await released(effects);
    signal.throwIfAborted();
    const look = await lookAtMachines(network);
    const lacking = await lacks(look);
    if (lacking.length === 0) return;
    if (clock.monotonicMs() > deadlineMs) {
      const away = [...look.away].map(([agent, why]) => `${agent} does not answer: ${why}`);
      const said = [...refused, ...lacking, ...away].slice(0, 5).join("; ");
      throw new Error(`${what}: not there after ${timeoutMs / 1_000} s: ${said}`);
    }
    await clock.sleep(LOOK_INTERVAL_MS, signal);
    if (clock.monotonicMs() - toldMs < TELL_INTERVAL_MS) continue;
    toldMs = clock.monotonicMs();
    // Who was away has not heard it.
    refused = await effects.desired.tell(effects).then(
      () => [],
      (error: unknown) => [messageOf(error)],
    );
  }
}
