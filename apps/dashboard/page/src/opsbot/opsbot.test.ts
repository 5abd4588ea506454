import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  CheckSchema,
  CheckState,
  EntryKind,
  EntrySchema,
  IncidentPhase,
  IncidentSchema,
} from "@glassline/proto/opsbot";
import { expect, test } from "vitest";

import { certaintyText, sortedChecks } from "./checks.ts";
import { afterText, kindName, lastingText, phaseName, storyOf } from "./incidents.ts";

const check = (init: MessageInitShape<typeof CheckSchema>) => create(CheckSchema, init);
const incident = (init: MessageInitShape<typeof IncidentSchema>) => create(IncidentSchema, init);

test("problems come first, believed ones before those that are looked at again", () => {
  const sorted = sortedChecks([
    check({ object: "edge-10", state: CheckState.OK, hard: true }),
    check({ object: "edge-2", state: CheckState.OK, hard: true }),
    check({ object: "edge-3", state: CheckState.CRITICAL }),
    check({ object: "edge-4", state: CheckState.CRITICAL, hard: true }),
    check({ object: "cameras", state: CheckState.WARNING, hard: true }),
    check({ object: "origin", state: CheckState.UNKNOWN, hard: true }),
  ]);
  const names = sorted.map(({ object }) => object);
  expect(names).toEqual(["edge-4", "edge-3", "origin", "cameras", "edge-2", "edge-10"]);
});

test("a soft state says how often it has been looked at", () => {
  expect(certaintyText(check({ attempt: 2, maxAttempts: 3 }))).toBe("soft, 2 of 3");
  expect(certaintyText(check({ hard: true, attempt: 3, maxAttempts: 3 }))).toBe("hard");
});

test("an incident says how long it is open, or how long it was", () => {
  const openedUnixNano = 1_000_000_000n;
  expect(lastingText(incident({ openedUnixNano }), 5_500)).toBe("open for 4 s");
  const closed = incident({ openedUnixNano, closedUnixNano: 13_400_000_000n });
  expect(lastingText(closed, 99_000)).toBe("lasted 12.4 s");
  expect(phaseName(incident({ phase: IncidentPhase.VERIFYING }))).toBe("verifying");
});

test("a story is told in order, with the time between its lines", () => {
  const entry = (timeMs: number, kind: EntryKind) =>
    create(EntrySchema, { timeUnixNano: BigInt(timeMs) * 1_000_000n, kind });
  const story = storyOf([
    entry(5_250, EntryKind.DECIDED),
    entry(5_000, EntryKind.SEEN),
    entry(185_250, EntryKind.CLOSED),
  ]);
  expect(story.map((line) => kindName(line.entry))).toEqual(["seen", "decided", "closed"]);
  expect(story.map(({ afterMs }) => afterText(afterMs))).toEqual(["", "+250 ms", "+3 min"]);
});
