/** What a reload of a real Icinga2 does to what it accepted meanwhile. */
import { setTimeout as delay } from "node:timers/promises";

import { expect, test } from "vitest";

import type { Report } from "../../stores/reports.ts";
import { IcingaClient } from "./client.ts";
import type { Icinga } from "./icinga.testing.ts";
import { describeWithIcinga, startIcinga } from "./icinga.testing.ts";
import { LostComments } from "./lost-comments.ts";

const AUTHOR = "OpsBot";
/** Its configuration takes a while to be loaded. */
const OBJECTS = `
object Host "edge-1" { import "passive-host" }
for (number in range(1, 1001)) {
  object Service "check-" + number { import "passive-service"; host_name = "edge-1" }
}
`;
const { signal } = new AbortController();

const reportOf = (number: number): Report => ({
  entry: number,
  incidentId: 1,
  object: "edge-1",
  check: "health",
  kind: "done",
  text: "",
  timeUnixNano: 0n,
  key: `journal-entry-${number}:done`,
});

const comment = (client: IcingaClient, { key }: Report) =>
  client.act(
    "add-comment",
    "edge-1",
    { author: AUTHOR, comment: `Done: [glassline incident 1, ${key}]` },
    signal,
  );

/** Comments, one after another, during a whole reload. @returns those that Icinga has accepted. */
async function tellDuringReload(icinga: Icinga, client: IcingaClient): Promise<Report[]> {
  const accepted: Report[] = [];
  const reloaded = icinga.reload().then(() => true);
  for (let number = 1; !(await Promise.race([reloaded, delay(20, false)])); number++)
    await comment(client, reportOf(number)).then(
      () => accepted.push(reportOf(number)),
      () => {},
    );
  return accepted;
}

async function keysShown(icinga: Icinga): Promise<string[]> {
  const comments = await icinga.comments("edge-1");
  return comments.map((text) => /journal\S+(?=\]$)/.exec(text)![0]);
}

describeWithIcinga()("a reload of Icinga", () => {
  test("takes comments with it that it had accepted; they are found once, and told again", async () => {
    await using icinga = await startIcinga(OBJECTS);
    using client = new IcingaClient(icinga.settings);
    let told: Report[] = [];
    const comments = new LostComments({ client, author: AUTHOR, told: async () => told });
    expect(await comments.afterReload(signal)).toEqual([]);
    told = await tellDuringReload(icinga, client);

    const shown = new Set(await keysShown(icinga));
    const lost = await comments.afterReload(signal);
    expect(lost).not.toEqual([]);
    expect(lost).toEqual(told.filter(({ key }) => !shown.has(key)));
    expect(await comments.afterReload(signal)).toEqual([]);

    for (const report of lost) await comment(client, report);
    expect(new Set(await keysShown(icinga))).toEqual(new Set(told.map(({ key }) => key)));
    // Those that were lost were on disk all the time.
    await icinga.reload();
    expect(await comments.afterReload(signal)).toEqual([]);
    const again = await keysShown(icinga);
    for (const { key } of lost) expect(again.filter((one) => one === key)).toHaveLength(2);
  });

  test("cannot be told from none without the right to see its status", async () => {
    await using icinga = await startIcinga();
    using client = new IcingaClient(icinga.as("opsbot-mute"));
    const comments = new LostComments({ client, author: AUTHOR, told: async () => [] });
    await expect(comments.afterReload(signal)).rejects.toMatchObject({ fault: "not-found" });
  });
});
