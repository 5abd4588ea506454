/** Recorded incidents, played on today's runbooks. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { OperatorError } from "@glassline/service/errors";
import { describe, expect, onTestFinished, test } from "vitest";

import type { Recording } from "../core/recording.ts";
import { RUNBOOKS } from "../core/runbooks/catalogue.ts";
import { listRunbooks, testRunbooks } from "./runbooks.ts";

const SHIPPED = fileURLToPath(new URL("../../recordings", import.meta.url));

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "glassline-recordings-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function tested(file: string, change: (recording: Recording) => object) {
  const shipped = JSON.parse(await readFile(join(SHIPPED, file), "utf8")) as Recording;
  const path = join(scratch(), file);
  writeFileSync(path, JSON.stringify(change(shipped)));
  const told: string[] = [];
  const failed = await testRunbooks([path], (line) => told.push(line));
  return { failed, told };
}

describe("recorded incidents", () => {
  test("are dealt with as they were", async () => {
    const told: string[] = [];
    expect(await testRunbooks([], (line) => told.push(line))).toBe(0);
    const files = (await readdir(SHIPPED)).filter((name) => name.endsWith(".json"));
    expect(told.filter((line) => line.startsWith("ok "))).toHaveLength(files.length);
  });

  test("are there of each problem that a runbook answers, but for some", async () => {
    const files = await readdir(SHIPPED);
    const all = await Promise.all(
      files.map(
        async (name) => JSON.parse(await readFile(join(SHIPPED, name), "utf8")) as Recording,
      ),
    );
    const recorded = new Set(all.map(({ check }) => check));
    const answered = new Set(
      RUNBOOKS.flatMap(({ triggers }) => triggers.map(({ check }) => check)),
    );
    // An overlay, a week, machines and a crowd of viewers are needed for these.
    expect([...answered.difference(recorded)].toSorted()).toEqual([
      "drift",
      "hit-rate",
      "link-keys",
      "machine",
      "network",
    ]);
  });

  test("that are dealt with otherwise today are told, with what is done instead", async () => {
    const { failed, told } = await tested("edge-frozen.json", (recording) => ({
      ...recording,
      lines: recording.lines.map((line) => ({
        ...line,
        text: line.kind === "intent" ? "flush edge-1's cache (1 of 2)" : line.text,
      })),
    }));
    expect(failed).toBe(1);
    expect(told.map((line) => line.trim())).toEqual(
      expect.arrayContaining(["- intent flush edge-1's cache", "+ intent start edge-1 anew"]),
    );
  });

  test("in which nothing helps go on to the next runbook, and to people at last", async () => {
    const { told } = await tested("edge-frozen.json", (recording) => ({
      ...recording,
      lines: [
        ...recording.lines.filter(({ kind }) => kind !== "verified" && kind !== "closed"),
        { afterMs: 120_000, kind: "decided", text: "nothing helps" },
      ],
    }));
    const today = told.map((line) => line.trim()).filter((line) => line.startsWith("+ intent"));
    expect(today).toEqual([
      "+ intent start edge-1 anew",
      "+ intent start edge-1 anew",
      "+ intent run edge-1 on another machine",
    ]);
    expect(told.some((line) => line.includes("+ escalated"))).toBe(true);
  });

  test.each([
    ["", /Unexpected end of JSON/],
    ["[]", /expected an object/],
    ['{"object":""}', /object: got "", expected a name/],
    ['{"object":"edge-1","check":"x","verifyMs":-1}', /verifyMs: got -1, expected milliseconds/],
    ['{"object":"edge-1","check":"x","verifyMs":1,"lines":[]}', /lines: got \[\]/],
    [
      '{"object":"edge-1","check":"x","verifyMs":1,"lines":[{"afterMs":0,"kind":"rm","text":""}]}',
      /lines\[0\]\.kind: got "rm"/,
    ],
  ])("that are none are refused by name: %s", async (text, expected) => {
    const path = join(scratch(), "wrong.json");
    writeFileSync(path, text);
    const testing = testRunbooks([path], () => {});
    await expect(testing).rejects.toThrow(OperatorError);
    await expect(testing).rejects.toThrow(expected);
    await expect(testing).rejects.toThrow(/wrong\.json/);
  });
});

test("the list has all of them", () => {
  const list = listRunbooks();
  for (const { name } of RUNBOOKS) expect(list).toContain(`${name} `);
});
