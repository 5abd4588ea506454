/** The README tells the commands that there are. */
import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { COMMANDS } from "./core/commands.ts";

const README = new URL("../README.md", import.meta.url);

test("the README's table of commands is the grammar's", () => {
  const rows = COMMANDS.map(
    ({ usage, help, role }) => `| \`${usage.replaceAll("|", "\\|")}\` | ${help} | ${role} |`,
  );
  const table = readFileSync(README, "utf8").split("| say | what it does | least role |\n")[1]!;
  const [, ...lines] = table.split("\n\n")[0]!.split("\n");
  expect(lines).toEqual(rows);
});
