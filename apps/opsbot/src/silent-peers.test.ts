import { RpcError } from "@glassline/proto/errors";
import type { NodeAgentService } from "@glassline/proto/node";
import type { CallOptions, Client } from "@glassline/proto/rpc";
import { simulatedClock } from "@glassline/service/clock/testing";
import { expect, test } from "vitest";

import { quickAgent } from "./silent-peers.ts";

/** An agent that answers when it is told to. */
function stage() {
  const clock = simulatedClock();
  const calls: PromiseWithResolvers<object>[] = [];
  const timeouts: (number | undefined)[] = [];
  const call = (_request: object, options?: CallOptions) => {
    const answer = Promise.withResolvers<object>();
    calls.push(answer);
    timeouts.push(options?.timeoutMs);
    return answer.promise;
  };
  const told = { getStatus: call, setDesiredState: call };
  const client = told as unknown as Client<typeof NodeAgentService>;
  return { clock, calls, timeouts, agent: quickAgent(client, clock) };
}

const silent = () => new RpcError("deadline_exceeded", "no answer");

test("one that answers has all its time, and one that was silent a moment until it answers again", async () => {
  const { clock, calls, agent } = stage();
  const first = agent.getStatus({});
  await clock.advance(1_000);
  calls[0]!.reject(silent());
  await expect(first).rejects.toMatchObject({ code: "deadline_exceeded" });

  const second = agent.getStatus({}).catch((error: unknown) => error);
  await clock.advance(199);
  expect(await Promise.race([second, "waits"])).toBe("waits");
  await clock.advance(1);
  expect(await second).toMatchObject({ code: "deadline_exceeded" });

  // What was asked is not answered yet: nobody waits for it a second time.
  await expect(agent.getStatus({})).rejects.toMatchObject({ code: "deadline_exceeded" });
  expect(calls).toHaveLength(2);
  calls[1]!.resolve({ agent: "late" });
  await clock.advance(0);
  const third = agent.getStatus({});
  await clock.advance(1_000);
  calls[2]!.resolve({ agent: "again" });
  expect(await third).toMatchObject({ agent: "again" });
});

test("one that refuses is not silent", async () => {
  const { clock, calls, agent } = stage();
  const first = agent.getStatus({});
  calls[0]!.reject(new RpcError("permission_denied", "no"));
  await expect(first).rejects.toMatchObject({ code: "permission_denied" });
  const second = agent.getStatus({});
  await clock.advance(1_000);
  calls[1]!.resolve({ agent: "slow" });
  expect(await second).toMatchObject({ agent: "slow" });
});

test("what a silent one shall do is not asked of it behind the back of whoever gave it up", async () => {
  const { calls, timeouts, agent } = stage();
  const wish = () => agent.setDesiredState({}, { timeoutMs: 1_500 }).catch(() => {});
  const first = wish();
  calls[0]!.reject(silent());
  await first;
  void wish();
  expect(timeouts).toEqual([1_500, 200]);
});
