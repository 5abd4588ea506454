/** OpsBot's own acknowledgement, without the comment that says whose it is: a reload may take that, and keeps the acknowledgement. */
import { expect, test } from "vitest";

import { describeWithIcinga, startIcinga } from "./icinga.testing.ts";
import { eventually, moreLooks, startStage } from "./stage.testing.ts";

const HITS = "edge-1!hits";

describeWithIcinga()("an acknowledgement whose comment is lost", () => {
  test("is OpsBot's own if OpsBot has set it: what did not help is left to people", async () => {
    await using icinga = await startIcinga();
    await using stage = await startStage(icinga.settings, { verifyMs: 3_000 });
    await icinga.result(HITS, 2);
    await eventually(async () => expect(await icinga.comments(HITS)).toHaveLength(2));
    await moreLooks(stage);
    await icinga.act("remove-comment", HITS);
    await icinga.reload();
    expect((await icinga.attributes(HITS))["acknowledgement"]).toBe(1);
    await eventually(async () =>
      expect((await icinga.comments(HITS)).at(-1)).toMatch(/For people: \d actions did not help/),
    );
  });

  test("is a person's if a person has set it", async () => {
    await using icinga = await startIcinga();
    await using stage = await startStage(icinga.settings);
    await icinga.result(HITS, 2);
    await eventually(async () => expect(await icinga.comments(HITS)).toHaveLength(2));
    await moreLooks(stage);
    await icinga.act("remove-acknowledgement", HITS);
    await icinga.act("acknowledge-problem", HITS, { author: "anna", comment: "I am on it" });
    await icinga.act("remove-comment", HITS);
    await eventually(() =>
      expect(stage.seen("edge-1", "hit-rate")!.suppressed).toBe("acknowledged by somebody"),
    );
  });
});
