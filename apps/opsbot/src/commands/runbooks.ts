/** `runbooks list`, `runbooks test`, `runbooks record`: what OpsBot does about problems, and whether it still does it. */
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { OperatorError, messageOf } from "@glassline/service/errors";
import { simulatedClock } from "@glassline/service/clock/testing";

import type { RecordedLine, Recording } from "../core/recording.ts";
import { deedsOf, readRecording, recordingOf } from "../core/recording.ts";
import { RUNBOOKS } from "../core/runbooks/catalogue.ts";
import type { Runbook } from "../core/runbooks/runbook.ts";
import type { Desk } from "../desk.ts";
import { replay } from "../replay.ts";

const SHIPPED = fileURLToPath(new URL("../../recordings", import.meta.url));
const NAME_CHARS = Math.max(...RUNBOOKS.map(({ name }) => name.length));

export function listRunbooks(): string {
  return RUNBOOKS.map(describe).join("\n");
}

function describe({
  name,
  help,
  triggers,
  tries,
  blastRadius,
  undo,
  isForAWhile,
}: Runbook): string {
  const when =
    triggers.length === 0
      ? "when a person asks"
      : triggers.map(({ check, turn }) => `${check} (${turn})`).join(", ");
  const back = isForAWhile
    ? "taken back when it is over"
    : undo
      ? "can be taken back"
      : "cannot be taken back";
  const more = ["", `when: ${when}; at most ${tries}x`, `felt: ${blastRadius.says}; ${back}`];
  return `${name.padEnd(NAME_CHARS)}  ${help}${more.join(`\n${" ".repeat(NAME_CHARS + 2)}`)}`;
}

/** @param files or folders; those that are shipped, when there are none. @returns how many are done otherwise today. */
export async function testRunbooks(
  files: readonly string[],
  tell: (line: string) => void,
): Promise<number> {
  const paths = await filesIn(files.length > 0 ? files : [SHIPPED]);
  let failed = 0;
  for (const path of paths) {
    const recording = await read(path);
    const difference = differenceOf(recording, await replay(recording, simulatedClock()));
    if (difference.length > 0) failed++;
    tell(`${difference.length === 0 ? "ok    " : "FAILED"} ${path}`);
    for (const line of difference) tell(`       ${line}`);
  }
  tell(`${paths.length - failed} as recorded, ${failed} otherwise`);
  return failed;
}

/** Lines that are there in only one of them: "- " then, "+ " today. */
function differenceOf(
  { lines }: Recording,
  today: readonly Pick<RecordedLine, "kind" | "text">[],
): string[] {
  const [then, now] = [deedsOf(lines), deedsOf(today)];
  if (then.join("\n") === now.join("\n")) return [];
  return [...then.map((line) => `- ${line}`), ...now.map((line) => `+ ${line}`)];
}

async function filesIn(paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    paths.map(async (path) => {
      if (path.endsWith(".json")) return [path];
      try {
        const names = (await readdir(path)).filter((name) => name.endsWith(".json")).toSorted();
        return names.map((name) => join(path, name));
      } catch (error) {
        throw new OperatorError(`${path}: ${messageOf(error)}`, { cause: error });
      }
    }),
  );
  return found.flat();
}

async function read(path: string): Promise<Recording> {
  try {
    return readRecording(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    throw new OperatorError(`${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** @returns the JSON of a recording of an incident that is closed or escalated. Rejects with OperatorError when there is none. */
export async function recordIncident(
  desk: Pick<Desk, "story">,
  id: number,
  verifyMs: number,
): Promise<string> {
  const story = await desk.story(id);
  if (!story) throw new OperatorError(`there is no incident ${id}`);
  const recording = recordingOf(story.incident, story.entries, verifyMs);
  return `${JSON.stringify(recording, undefined, 2)}\n`;
}
