/** What the agent must not forget: the wish, the highest fencing token, which processes and interfaces are its own. SQLite. */
import { join } from "node:path";

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { SetDesiredStateRequest } from "@glassline/proto/node";
import { EdgeSpecSchema, SetDesiredStateRequestSchema } from "@glassline/proto/node";
import { openDatabase } from "@glassline/service/database";

import type { Started } from "../drivers/driver.ts";

/** An edge that was started, as it was started. */
export interface StartedEdge extends Started {
  startedUnixNano: bigint;
}

export interface StateStore extends Disposable {
  desired(): SetDesiredStateRequest;
  /** On disk when it returns. */
  setDesired(request: SetDesiredStateRequest): void;
  started(): StartedEdge[];
  setStarted(edge: StartedEdge): void;
  removeStarted(name: string): void;
  /** By which the agent knows the interfaces again that it made; undefined: it never made any. */
  segmentMark(): number | undefined;
  /** On disk when it returns. */
  setSegmentMark(mark: number): void;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS desired (id INTEGER PRIMARY KEY CHECK (id = 1), request BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS started (
    name TEXT PRIMARY KEY, process_id INTEGER NOT NULL, instance_id TEXT NOT NULL, spec BLOB NOT NULL,
    started_unix_nano TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS segment_mark (id INTEGER PRIMARY KEY CHECK (id = 1), mark INTEGER NOT NULL) STRICT;
`;

export const stateFileOf = (directory: string) => join(directory, "node-agent.sqlite");

export function openStateStore(directory: string): StateStore {
  const database = openDatabase(stateFileOf(directory), SCHEMA);
  const read = database.prepare("SELECT request FROM desired WHERE id = 1");
  const write = database.prepare("INSERT OR REPLACE INTO desired (id, request) VALUES (1, ?)");
  const list = database.prepare("SELECT * FROM started ORDER BY name");
  const put = database.prepare("INSERT OR REPLACE INTO started VALUES (?, ?, ?, ?, ?)");
  const remove = database.prepare("DELETE FROM started WHERE name = ?");
  const readMark = database.prepare("SELECT mark FROM segment_mark WHERE id = 1");
  const writeMark = database.prepare("INSERT INTO segment_mark (id, mark) VALUES (1, ?)");
  return {
    desired() {
      const row = read.get() as { request: Uint8Array } | undefined;
      return row
        ? fromBinary(SetDesiredStateRequestSchema, row.request)
        : create(SetDesiredStateRequestSchema);
    },
    setDesired: (request) => void write.run(toBinary(SetDesiredStateRequestSchema, request)),
    started: () =>
      list.all().map((row) => ({
        processId: Number(row["process_id"]),
        instanceId: String(row["instance_id"]),
        spec: fromBinary(EdgeSpecSchema, row["spec"] as Uint8Array),
        startedUnixNano: BigInt(String(row["started_unix_nano"])),
      })),
    setStarted: ({ processId, instanceId, spec, startedUnixNano }) =>
      void put.run(
        spec.name,
        processId,
        instanceId,
        toBinary(EdgeSpecSchema, spec),
        String(startedUnixNano),
      ),
    removeStarted: (name) => void remove.run(name),
    segmentMark: () => (readMark.get() as { mark: number } | undefined)?.mark,
    setSegmentMark: (mark) => void writeMark.run(mark),
    [Symbol.dispose]: () => database.close(),
  };
}
