/** What the service must not forget: channels, devices, links, what was done under which key, the fencing token. SQLite. */
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Channel } from "@glassline/proto/enrolment";
import { ChannelSchema } from "@glassline/proto/enrolment";
import { openDatabase } from "@glassline/service/database";

import type { DeviceRecord } from "../core/device.ts";

const SCHEMA = `
  PRAGMA foreign_keys = ON;
  CREATE TABLE IF NOT EXISTS fencing (id INTEGER PRIMARY KEY CHECK (id = 1), token TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS channels (name TEXT PRIMARY KEY, channel BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS devices (
    id TEXT PRIMARY KEY,
    channel TEXT NOT NULL REFERENCES channels (name) ON DELETE CASCADE,
    name TEXT NOT NULL,
    phase TEXT NOT NULL CHECK (phase IN ('invited', 'enrolled', 'revoked')),
    since_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS device_names ON devices (channel, name) WHERE phase <> 'revoked';
  CREATE INDEX IF NOT EXISTS revoked_devices ON devices (channel) WHERE phase = 'revoked';
  CREATE TABLE IF NOT EXISTS links (
    secret_hash BLOB PRIMARY KEY,
    device TEXT NOT NULL UNIQUE REFERENCES devices (id) ON DELETE CASCADE,
    expires_ms INTEGER NOT NULL,
    used_ms INTEGER,
    session_hash BLOB UNIQUE
  ) STRICT;
  CREATE TABLE IF NOT EXISTS left_devices (
    id TEXT PRIMARY KEY, channel TEXT NOT NULL, name TEXT NOT NULL, since_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS left_devices_of ON left_devices (channel);
  CREATE TABLE IF NOT EXISTS done (
    key TEXT PRIMARY KEY, target TEXT NOT NULL, answer BLOB NOT NULL, at_ms INTEGER NOT NULL
  ) STRICT;
`;

const KEYS_MAX = 100_000;

/** A link: of its secret and of the page that used it only hashes are known. */
export interface LinkRecord {
  secretHash: Uint8Array;
  device: string;
  expiresMs: number;
  /** Undefined: nobody has used it. */
  usedMs: number | undefined;
  sessionHash: Uint8Array | undefined;
}

/** What was done under an idempotency key. */
export interface Done {
  target: string;
  /** As it was answered. */
  answer: Uint8Array;
}

/** What is written is on disk when the method returns; within `atOnce`, when that does. */
export interface EnrolmentStore extends Disposable {
  /** All of the work is done, or none: of work that throws, nothing is. */
  atOnce<T>(work: () => T): T;
  fencingToken(): bigint;
  setFencingToken(token: bigint): void;
  channels(): Channel[];
  channel(name: string): Channel | undefined;
  /** Where one of this name was before, its devices are revoked: they have tokens still. */
  putChannel(channel: Channel): void;
  /** With its devices and links. @returns false: there was none. */
  removeChannel(name: string, nowMs: number): boolean;
  device(id: string): DeviceRecord | undefined;
  /** Of this name, and not revoked. */
  deviceNamed(channel: string, name: string): DeviceRecord | undefined;
  devices(channel: string): DeviceRecord[];
  revokedDevices(channel: string): DeviceRecord[];
  /** How many, by channel; those of which none is are left out. */
  revokedCounts(): Record<string, number>;
  deviceCount(channel: string): number;
  putDevice(device: DeviceRecord): void;
  link(secretHash: Uint8Array): LinkRecord | undefined;
  linkOfSession(sessionHash: Uint8Array): LinkRecord | undefined;
  /** In the place of the device's earlier one. */
  putLink(link: LinkRecord): void;
  done(key: string): Done | undefined;
  putDone(key: string, done: Done, atMs: number): void;
  /** Devices whose links and tokens count no more since before the moment, and keys from before it or beyond the newest 100,000. */
  forget(beforeMs: number): void;
}

export const storeFileOf = (directory: string) => join(directory, "enrolment.sqlite");

export function openEnrolmentStore(directory: string): EnrolmentStore {
  const database = openDatabase(storeFileOf(directory), SCHEMA);
  return {
    ...channelTable(database),
    ...deviceTable(database),
    ...linkTable(database),
    ...actionTables(database),
    atOnce: (work) => atOnce(database, work),
    forget(beforeMs) {
      database
        .prepare(
          `DELETE FROM devices WHERE CASE phase WHEN 'revoked' THEN since_ms ELSE expires_ms END < ?1
           AND (phase = 'revoked' OR NOT EXISTS
             (SELECT 1 FROM links WHERE device = devices.id AND used_ms IS NULL AND expires_ms >= ?1))`,
        )
        .run(beforeMs);
      database.prepare("DELETE FROM left_devices WHERE since_ms < ?").run(beforeMs);
      database
        .prepare(
          "DELETE FROM done WHERE at_ms < ? OR key IN (SELECT key FROM done ORDER BY at_ms DESC LIMIT -1 OFFSET ?)",
        )
        .run(beforeMs, KEYS_MAX);
    },
    [Symbol.dispose]: () => database.close(),
  };
}

function atOnce<T>(database: DatabaseSync, work: () => T): T {
  if (database.isTransaction) return work();
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

type Row = Record<string, unknown>;

function channelTable(database: DatabaseSync) {
  const list = database.prepare("SELECT channel FROM channels ORDER BY name");
  const read = database.prepare("SELECT channel FROM channels WHERE name = ?");
  // Not REPLACE, which would take the devices along.
  const put = database.prepare(
    "INSERT INTO channels VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET channel = ?2",
  );
  const leave = database.prepare(
    `INSERT INTO left_devices
     SELECT id, channel, name, CASE phase WHEN 'revoked' THEN since_ms ELSE ?2 END, expires_ms
     FROM devices WHERE channel = ?1 AND phase <> 'invited'`,
  );
  const remove = database.prepare("DELETE FROM channels WHERE name = ?");
  const comeBack = database.prepare(
    `INSERT INTO devices SELECT id, channel, name, 'revoked', since_ms, expires_ms
     FROM left_devices WHERE channel = ?`,
  );
  const areBack = database.prepare("DELETE FROM left_devices WHERE channel = ?");
  const parsed = (row: Row | undefined): Channel =>
    row ? fromBinary(ChannelSchema, row["channel"] as Uint8Array) : create(ChannelSchema);
  return {
    channels: () => list.all().map(parsed),
    channel(name: string) {
      const row = read.get(name);
      return row && parsed(row);
    },
    putChannel: (channel: Channel) =>
      atOnce(database, () => {
        put.run(channel.name, toBinary(ChannelSchema, channel));
        comeBack.run(channel.name);
        areBack.run(channel.name);
      }),
    removeChannel: (name: string, nowMs: number) =>
      atOnce(database, () => {
        leave.run(name, nowMs);
        return Number(remove.run(name).changes) > 0;
      }),
  };
}

function deviceTable(database: DatabaseSync) {
  const read = database.prepare("SELECT * FROM devices WHERE id = ?");
  const named = database.prepare(
    "SELECT * FROM devices WHERE channel = ? AND name = ? AND phase <> 'revoked'",
  );
  const list = database.prepare("SELECT * FROM devices WHERE channel = ? ORDER BY name, since_ms");
  const listRevoked = database.prepare(
    "SELECT * FROM devices WHERE channel = ? AND phase = 'revoked' ORDER BY since_ms DESC",
  );
  const countRevoked = database.prepare(
    "SELECT channel, count(*) AS count FROM devices WHERE phase = 'revoked' GROUP BY channel",
  );
  const count = database.prepare("SELECT count(*) AS count FROM devices WHERE channel = ?");
  const put = database.prepare(
    `INSERT INTO devices VALUES (?1, ?2, ?3, ?4, ?5, ?6)
     ON CONFLICT (id) DO UPDATE SET phase = ?4, since_ms = ?5, expires_ms = ?6`,
  );
  const parsed = (row: Row): DeviceRecord => ({
    id: String(row["id"]),
    channel: String(row["channel"]),
    name: String(row["name"]),
    phase: row["phase"] as DeviceRecord["phase"],
    sinceMs: Number(row["since_ms"]),
    expiresMs: Number(row["expires_ms"]),
  });
  const found = (row: Row | undefined) => row && parsed(row);
  return {
    device: (id: string) => found(read.get(id)),
    deviceNamed: (channel: string, name: string) => found(named.get(channel, name)),
    devices: (channel: string) => list.all(channel).map(parsed),
    revokedDevices: (channel: string) => listRevoked.all(channel).map(parsed),
    revokedCounts: () =>
      Object.fromEntries(
        countRevoked.all().map((row) => [String(row["channel"]), Number(row["count"])]),
      ),
    deviceCount: (channel: string) => Number(count.get(channel)!["count"]),
    putDevice: ({ id, channel, name, phase, sinceMs, expiresMs }: DeviceRecord) =>
      void put.run(id, channel, name, phase, sinceMs, expiresMs),
  };
}

function linkTable(database: DatabaseSync) {
  const read = database.prepare("SELECT * FROM links WHERE secret_hash = ?");
  const ofSession = database.prepare("SELECT * FROM links WHERE session_hash = ?");
  const put = database.prepare("INSERT OR REPLACE INTO links VALUES (?, ?, ?, ?, ?)");
  const parsed = (row: Row | undefined): LinkRecord | undefined =>
    row && {
      secretHash: row["secret_hash"] as Uint8Array,
      device: String(row["device"]),
      expiresMs: Number(row["expires_ms"]),
      usedMs: row["used_ms"] === null ? undefined : Number(row["used_ms"]),
      sessionHash: (row["session_hash"] as Uint8Array | null) ?? undefined,
    };
  return {
    link: (secretHash: Uint8Array) => parsed(read.get(secretHash)),
    linkOfSession: (sessionHash: Uint8Array) => parsed(ofSession.get(sessionHash)),
    putLink: ({ secretHash, device, expiresMs, usedMs, sessionHash }: LinkRecord) =>
      void put.run(secretHash, device, expiresMs, usedMs ?? null, sessionHash ?? null),
  };
}

function actionTables(database: DatabaseSync) {
  const readToken = database.prepare("SELECT token FROM fencing WHERE id = 1");
  const writeToken = database.prepare("INSERT OR REPLACE INTO fencing VALUES (1, ?)");
  const read = database.prepare("SELECT target, answer FROM done WHERE key = ?");
  const put = database.prepare("INSERT INTO done VALUES (?, ?, ?, ?)");
  return {
    fencingToken() {
      const row = readToken.get();
      return row ? BigInt(String(row["token"])) : 0n;
    },
    setFencingToken: (token: bigint) => void writeToken.run(String(token)),
    done(key: string): Done | undefined {
      const row = read.get(key);
      return row && { target: String(row["target"]), answer: row["answer"] as Uint8Array };
    },
    putDone: (key: string, { target, answer }: Done, atMs: number) =>
      void put.run(key, target, answer, atMs),
  };
}
