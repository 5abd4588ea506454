/** Killed while somebody is told: the next life tells it again, and the receiver can see that it is the same. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { systemClock } from "@glassline/service/clock";
import { expect, onTestFinished, test } from "vitest";

import { openOutbox } from "./outbox.testing.ts";
import { eventually, scratch } from "./stage.testing.ts";
import { startWebhookServer } from "./webhook-server.testing.ts";

const TELLER = join(import.meta.dirname, "teller.testing.ts");
const TIMEOUT_MS = 60_000;

function tell(directory: string, url: string, ...more: string[]): ChildProcess {
  const child = spawn(process.execPath, [TELLER, directory, url, ...more], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

test(
  "what may have been told is told again with its key, and what was written down as told is not",
  async () => {
    const directory = scratch();
    // The first life is killed before an answer, the second one between the answer and writing it down.
    await using server = await startWebhookServer([() => {}]);
    let id: number;
    {
      await using outbox = await openOutbox(directory, () => systemClock.nowUnixNano());
      await outbox.journal.reports("webhook on-call").begin();
      id = await outbox.open("edge-1", "health", "no answer");
      await outbox.note(id, "escalated", "A person should look.");
    }
    for (const [at, more] of [[], ["forgetful"], []].entries()) {
      const child = tell(directory, server.url, ...more);
      await eventually(() => expect(server.heard).toHaveLength(at + 1));
      if (at === 2) await systemClock.sleep(500);
      await kill(child);
    }
    const keys = server.heard.map(({ headers }) => headers["idempotency-key"]);
    expect(new Set(keys).size).toBe(1);
    expect(new Set(server.heard.map(({ body }) => body)).size).toBe(1);
    {
      await using outbox = await openOutbox(directory, () => systemClock.nowUnixNano());
      await outbox.note(id, "closed", "it is over");
    }
    const child = tell(directory, server.url);
    await eventually(() => expect(server.heard).toHaveLength(4));
    expect(JSON.parse(server.heard[3]!.body)).toMatchObject({ event: "resolved" });
    await kill(child);
  },
  TIMEOUT_MS,
);
