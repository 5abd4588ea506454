import { expect, test } from "vitest";

import { missingFrom } from "./retelling.ts";

const report = (key: string) => ({ key });

test("what no comment ends with is missing", () => {
  const told = ["j-1-action-1:intent", "j-1-action-1:done", "j-1-entry-7:escalated"].map(report);
  const texts = [
    "OpsBot will: flush [glassline incident 1, j-1-action-1:intent]",
    "Somebody wrote [glassline incident 1, j-1-entry-7:escalated] here",
    "Done: 3 [of 4] [glassline incident 1, j-1-action-1:done]",
    "[glassline incident 1, j-1-action-1:intent]",
    "",
  ];
  expect(missingFrom(told, texts)).toEqual([report("j-1-entry-7:escalated")]);
  expect(missingFrom(told, [])).toEqual(told);
  expect(missingFrom([report("action-1:done")], texts)).toHaveLength(1);
  expect(missingFrom([], texts)).toEqual([]);
});
