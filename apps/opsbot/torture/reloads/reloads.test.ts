/** The torture in small: it proves little, but runs. */
import { PassThrough } from "node:stream";

import { progressOn } from "@glassline/bench/progress";
import { expect, test } from "vitest";

import { describeWithIcinga } from "../../src/observers/icinga/icinga.testing.ts";
import { torture } from "./reloads.ts";

describeWithIcinga()("reloads of Icinga and kills of OpsBot", () => {
  test("leave no problem unhandled, and none handled twice", { timeout: 120_000 }, async () => {
    const tortured = await torture(
      { reloads: 2, kills: 1, services: 20 },
      Math.random,
      progressOn(new PassThrough() as never),
      new AbortController().signal,
    );
    expect(tortured).toMatchObject({ reloads: 2, kills: 1, problems: [] });
    expect(tortured.incidents).toBeGreaterThan(5);
  });
});
