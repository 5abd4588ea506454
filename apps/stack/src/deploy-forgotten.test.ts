/** A machine that is gone for good, as an admin says it in the chat. */
import { CheckState } from "@glassline/proto/opsbot";
import { afterEach, expect, test } from "vitest";

import { DeploymentStage } from "./testing/deployment-stage.ts";

const PATIENCE_MS = 120_000;
const SOON = { timeout: 60_000, interval: 100 };

let stage: DeploymentStage | undefined;
afterEach(async () => {
  await stage?.[Symbol.asyncDispose]();
  stage = undefined;
});

test(
  "a machine is forgotten when it answers no more, and nobody is told of it from then on",
  async () => {
    stage = await DeploymentStage.start({ machines: 2 });
    using opsbot = await stage.client();
    const say = (text: string) => opsbot.chat({ text, mayChange: true });
    const forget = async () => (await say("forget machine machine-2")).text;
    await expect.poll(forget, SOON).toContain("machine-2 answers: only a machine that is gone");

    await stage.agents.get("machine-2")!.process.end("SIGKILL");
    const checksOf = async () =>
      (await opsbot.getStatus({})).checks.filter(({ object }) => object === "machine-2");
    await expect
      .poll(checksOf, SOON)
      .toMatchObject([{ check: "machine", hard: true, state: CheckState.CRITICAL }]);
    await expect.poll(forget, SOON).toMatch(/I will take machine-2 for gone for good .* Say yes/);
    const done = await say("yes");
    expect(done).toMatchObject({ ok: true, text: expect.stringContaining("wait for it no more") });

    const { lines } = await opsbot.listAudit({ limit: 50 });
    expect(lines.map(({ who, what }) => `${who}: ${what}`)).toContainEqual(
      expect.stringMatching(/^operator local: will: forget-machine machine-2 /),
    );
    expect(await checksOf()).toEqual([]);
    expect((await opsbot.getInventory({})).machines).toEqual(["machine-1"]);
    expect(await forget()).toContain("I know no machine called");
  },
  PATIENCE_MS,
);
