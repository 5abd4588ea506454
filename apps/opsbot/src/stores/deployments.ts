/** Channels that are deployed: what they shall be, what node-agents are told of them, and how their steps go. */
import { create, fromJsonString, isMessage, toJsonString } from "@bufbuild/protobuf";
import type { SetDesiredStateRequest } from "@glassline/proto/node";
import { SetDesiredStateRequestSchema } from "@glassline/proto/node";
import type { ValidationReport } from "@glassline/proto/opsbot";
import { ValidationReportSchema } from "@glassline/proto/opsbot";

import { remembered } from "../core/remembered.ts";
import type { Kept } from "../core/deployment/layout.ts";
import { NOTHING_KEPT } from "../core/deployment/layout.ts";
import type { StepName, StepState } from "../core/deployment/steps.ts";
import { STEP_NAMES } from "../core/deployment/steps.ts";
import type { Row, Sql } from "./sql.ts";
import { first } from "./sql.ts";

export type DeploymentPhase =
  | "deploying"
  | "live"
  | "drifted"
  | "rolling_back"
  | "failed"
  | "leaving";

export interface Deployment {
  channel: string;
  tenant: string;
  phase: DeploymentPhase;
  /** Counts what was wished, from 1. */
  revision: number;
  /** channel.yaml, as it is wished. */
  description: string;
  /** As it was when it was live the last time; empty: it never was. */
  liveDescription: string;
  /** What its machines shall have in the end; without a fencing token. */
  goal: SetDesiredStateRequest;
  /** What they are told now, on the way there. */
  told: SetDesiredStateRequest;
  kept: Kept;
  sinceUnixNano: bigint;
  /** For people; empty: nothing. */
  problem: string;
  /** That tells its story. 0: none yet. */
  incident: number;
  /** Of the last test load. */
  report: ValidationReport | undefined;
}

export interface StepRow {
  name: StepName;
  state: StepState;
  /** For people. */
  says: string;
  beganUnixNano: bigint;
  /** 0: not yet. */
  endedUnixNano: bigint;
}

export interface DeploymentReads {
  /** By their names. */
  all(): Promise<Deployment[]>;
  of(channel: string): Promise<Deployment | undefined>;
  count(): Promise<number>;
  steps(channel: string): Promise<StepRow[]>;
}

/** What of it is otherwise from now on. */
export type DeploymentChange = Partial<
  Omit<Deployment, "channel" | "tenant" | "revision" | "sinceUnixNano">
>;

export interface Deployments extends DeploymentReads {
  /** Writes down that it is wished so: a new revision, whose steps begin anew. */
  wish(channel: string, tenant: string, description: string): Promise<void>;
  change(channel: string, what: DeploymentChange): Promise<void>;
  beginSteps(channel: string): Promise<void>;
  step(channel: string, name: StepName, state: StepState, says: string): Promise<void>;
  remove(channel: string): Promise<void>;
}

const WISHES_REMEMBERED = 2_000;
const EMPTY = create(SetDesiredStateRequestSchema);

/** Of a channel that nobody wished so far. */
export function newDeployment(channel: string): Deployment {
  return {
    channel,
    tenant: "",
    phase: "deploying",
    revision: 0,
    description: "",
    liveDescription: "",
    goal: EMPTY,
    told: EMPTY,
    kept: NOTHING_KEPT,
    sinceUnixNano: 0n,
    problem: "",
    incident: 0,
    report: undefined,
  };
}

/** @param now Unix nanoseconds. */
export function deploymentsIn(sql: Sql, now: () => bigint): Deployments {
  const of = async (channel: string) => {
    const row = await first(sql, "SELECT * FROM channels WHERE name = $1", channel);
    return row && deploymentOf(row);
  };
  const beginSteps = async (channel: string) => {
    await sql.run("DELETE FROM channel_steps WHERE channel = $1", channel);
    for (const [place, name] of STEP_NAMES.entries())
      await sql.run(
        "INSERT INTO channel_steps VALUES ($1, $2, $3, 'waiting', '', '0', '0')",
        channel,
        place + 1,
        name,
      );
  };
  const write = async (channel: string, column: string, value: string | number) => {
    await sql.run(`UPDATE channels SET ${column} = $2 WHERE name = $1`, channel, value);
  };
  return {
    of,
    beginSteps,
    count: async () =>
      Number((await first(sql, "SELECT count(*) AS channels FROM channels"))?.["channels"]),
    all: async () => (await sql.all("SELECT * FROM channels ORDER BY name")).map(deploymentOf),
    steps: async (channel) =>
      (
        await sql.all("SELECT * FROM channel_steps WHERE channel = $1 ORDER BY number", channel)
      ).map(stepOf),
    wish: async (channel, tenant, description) => {
      await sql.run(
        `INSERT INTO channels (name, tenant, phase, revision, description, since) VALUES ($1, $2, 'deploying', 1, $3, $4)
         ON CONFLICT (name) DO UPDATE SET tenant = $2, phase = 'deploying', revision = channels.revision + 1, description = $3,
           since = $4, problem = ''`,
        channel,
        tenant,
        description,
        String(now()),
      );
      await beginSteps(channel);
    },
    change: async (channel, what) => {
      for (const [key, value] of Object.entries(what))
        if (value !== undefined)
          await write(channel, COLUMNS[key as keyof DeploymentChange], storedOf(value));
      if (what.phase !== undefined) await write(channel, "since", String(now()));
    },
    step: async (channel, name, state, says) => {
      const time = state === "running" ? "began = $5, ended = '0'" : "ended = $5";
      await sql.run(
        `UPDATE channel_steps SET state = $3, says = $4, ${time} WHERE channel = $1 AND name = $2`,
        channel,
        name,
        state,
        says,
        String(now()),
      );
    },
    remove: async (channel) => {
      await sql.run("DELETE FROM channel_steps WHERE channel = $1", channel);
      await sql.run("DELETE FROM channels WHERE name = $1", channel);
    },
  };
}

const COLUMNS = {
  phase: "phase",
  description: "description",
  liveDescription: "live_description",
  goal: "goal",
  told: "told",
  kept: "kept",
  problem: "problem",
  incident: "incident",
  report: "report",
} as const satisfies Record<keyof DeploymentChange, string>;

function storedOf(value: NonNullable<DeploymentChange[keyof DeploymentChange]>): string | number {
  if (typeof value !== "object") return value;
  if (isMessage(value, SetDesiredStateRequestSchema))
    return toJsonString(SetDesiredStateRequestSchema, value);
  if (isMessage(value, ValidationReportSchema)) return toJsonString(ValidationReportSchema, value);
  return JSON.stringify(value);
}

function deploymentOf(row: Row): Deployment {
  const text = (column: string) => String(row[column]);
  return {
    channel: text("name"),
    tenant: text("tenant"),
    phase: text("phase") as DeploymentPhase,
    revision: Number(row["revision"]),
    description: text("description"),
    liveDescription: text("live_description"),
    goal: wishOf(text("goal")),
    told: wishOf(text("told")),
    kept: keptOf(text("kept")),
    sinceUnixNano: BigInt(text("since")),
    problem: text("problem"),
    incident: Number(row["incident"]),
    report:
      text("report") === "" ? undefined : fromJsonString(ValidationReportSchema, text("report")),
  };
}

/** What an earlier release wrote has less. */
const keptOf = (json: string): Kept =>
  json === "" ? NOTHING_KEPT : { ...NOTHING_KEPT, ...(JSON.parse(json) as Partial<Kept>) };

/** Each channel has two, and all are read often. */
const wishOf = remembered(
  (json) => (json === "" ? EMPTY : fromJsonString(SetDesiredStateRequestSchema, json)),
  WISHES_REMEMBERED,
);

function stepOf(row: Row): StepRow {
  return {
    name: String(row["name"]) as StepName,
    state: String(row["state"]) as StepState,
    says: String(row["says"]),
    beganUnixNano: BigInt(String(row["began"])),
    endedUnixNano: BigInt(String(row["ended"])),
  };
}
