/** What was begun: an intent is written before its effect, and its result after it. */
import type { Action } from "../core/action.ts";
import type { OpenedSegment } from "../core/opened-segment.ts";
import { writeEntry } from "./incidents.ts";
import type { Row, Sql } from "./sql.ts";
import { first } from "./sql.ts";

/** A wish: which segment an overlay has. */
const SEGMENT = "segment";

/** An action that was begun; what it did is not known yet. */
export interface Intent {
  idempotencyKey: string;
  incidentId: number;
  action: Action;
  /** Of a restart, or of a new segment: the generation that is wished. */
  generation: number;
}

export interface IntentReads {
  /** The oldest first. */
  unsettled(): Promise<Intent[]>;
  /** Of an incident, the newest first. */
  intentsOf(incident: number): Promise<Intent[]>;
  /** The generation that an edge shall run with, or the how manieth segment an overlay ("overlay:NAME") shall have; who is not there has 1. */
  generations(): Promise<Map<string, number>>;
  /** What shall be otherwise than it was configured: the machine of an edge, say. By object. */
  wishes(what: string): Promise<Map<string, string>>;
  /** By overlay; who is not there has the one that is configured. */
  openedSegments(): Promise<Map<string, OpenedSegment>>;
}

export interface Intents extends IntentReads {
  /** @param count how many actions of this incident were begun before. */
  intend(incident: { id: number; actions: number }, action: Action, text: string): Promise<Intent>;
  /** Writes an effect's result. @returns false when there is one already. */
  settle(intent: Intent, kind: "done" | "failed", text: string): Promise<boolean>;
  wish(object: string, what: string, value: string): Promise<void>;
  openedSegment(overlay: string, opened: OpenedSegment): Promise<void>;
}

/** @param journal its name, in the keys of its actions, which another journal's must never equal. */
export function intentsIn(sql: Sql, now: () => bigint, journal: () => Promise<string>): Intents {
  const nextGeneration = async (object: string) => {
    const row = await first(sql, "SELECT generation FROM generations WHERE edge = $1", object);
    const wished = Number(row?.["generation"] ?? 1) + 1;
    await sql.run(
      "INSERT INTO generations VALUES ($1, $2) ON CONFLICT (edge) DO UPDATE SET generation = $2",
      object,
      wished,
    );
    return wished;
  };
  const wishes = async (what: string) => {
    const rows = await sql.all("SELECT object, value FROM wishes WHERE what = $1", what);
    return new Map(rows.map((row) => [String(row["object"]), String(row["value"])]));
  };
  const wish = async (object: string, what: string, value: string) => {
    await sql.run(
      "INSERT INTO wishes VALUES ($1, $2, $3) ON CONFLICT (object, what) DO UPDATE SET value = $3",
      object,
      what,
      value,
    );
  };
  const openedSegments = async () => {
    const all = await wishes(SEGMENT);
    return new Map([...all].map(([overlay, text]) => [overlay, JSON.parse(text) as OpenedSegment]));
  };
  return {
    generations: async () => {
      const rows = await sql.all("SELECT edge, generation FROM generations");
      return new Map(rows.map((row) => [String(row["edge"]), Number(row["generation"])]));
    },
    intend: async ({ id, actions }, action, text) => {
      const idempotencyKey = `${await journal()}-incident-${id}-action-${actions + 1}`;
      const counted = generationOf(action);
      const wished = counted === undefined ? 0 : await nextGeneration(counted);
      await sql.run(
        "INSERT INTO intents (idempotency_key, incident, action, generation) VALUES ($1, $2, $3, $4)",
        idempotencyKey,
        id,
        JSON.stringify(action),
        wished,
      );
      await sql.run(
        "UPDATE incidents SET actions = $2, phase = 'acting', closed = '0' WHERE id = $1",
        id,
        actions + 1,
      );
      await writeEntry(sql, now(), id, "intent", text, idempotencyKey);
      return { idempotencyKey, incidentId: id, action, generation: wished };
    },
    settle: async ({ idempotencyKey, incidentId }, kind, text) => {
      const changes = await sql.run(
        "UPDATE intents SET settled = 1 WHERE idempotency_key = $1 AND settled = 0",
        idempotencyKey,
      );
      if (changes > 0) await writeEntry(sql, now(), incidentId, kind, text, idempotencyKey);
      return changes > 0;
    },
    unsettled: async () =>
      (await sql.all("SELECT * FROM intents WHERE settled = 0 ORDER BY incident")).map(intentOf),
    intentsOf: async (incident) =>
      (await sql.all("SELECT * FROM intents WHERE incident = $1", incident))
        .map(intentOf)
        .toSorted((a, b) => numberOf(b) - numberOf(a)),
    wishes,
    wish,
    openedSegments,
    openedSegment: (overlay, opened) => wish(overlay, SEGMENT, JSON.stringify(opened)),
  };
}

/** What an action is the next generation of, if it is. */
function generationOf({ kind, target }: Action): string | undefined {
  if (kind === "restart") return target;
  return kind === "open-segment" ? overlayKey(target) : undefined;
}

const overlayKey = (overlay: string) => `overlay:${overlay}`;

/** Of the action within its incident. */
const numberOf = ({ idempotencyKey }: Intent) => Number(idempotencyKey.split("-").at(-1));

function intentOf(row: Row): Intent {
  return {
    idempotencyKey: String(row["idempotency_key"]),
    incidentId: Number(row["incident"]),
    action: JSON.parse(String(row["action"])) as Action,
    generation: Number(row["generation"]),
  };
}
