/** `glassline-opsbot deploy`: a channel from its file to its viewers, with its steps as they go. */
import { readFile } from "node:fs/promises";

import type { Clock } from "@glassline/service/clock";
import { OperatorError, messageOf } from "@glassline/service/errors";

import type { Action } from "../core/action.ts";
import { stepLine, summaryLine } from "../core/deployment/progress.ts";
import { DescriptionError, readDescription } from "../core/deployment/read-description.ts";
import type { Caller, Change, Desk, DeploymentView } from "../desk.ts";
import type { Terminal } from "./terminal.ts";

const LOOK_INTERVAL_MS = 200;
/** Who it is, is known to OpsBot by the certificate. */
const CALLER: Caller = { who: "", role: "admin" };
const UNDER_WAY: ReadonlySet<string> = new Set(["deploying", "drifted", "rolling_back", "leaving"]);

export interface DeployOptions {
  /** Nobody is asked. */
  isSure: boolean;
  /** Nothing is done. */
  planOnly: boolean;
}

export interface ChannelDeps {
  desk: Desk;
  terminal: Terminal;
  clock: Pick<Clock, "nowUnixNano" | "sleep">;
}

/** @returns how many channels are not as they are described. Rejects with OperatorError when a file cannot be read. */
export async function deployFiles(
  files: readonly string[],
  options: DeployOptions,
  deps: ChannelDeps,
): Promise<number> {
  const wished = await Promise.all(files.map(readWish));
  let failures = 0;
  let changed = 0;
  for (const action of wished) {
    const done = await bring(action, options, deps);
    if (done === "done") changed++;
    if (done === "failed") failures++;
  }
  if (files.length > 1) deps.terminal.tell(`${changed} of ${files.length} channels changed`);
  return failures;
}

/** @returns whether nothing of it is left. */
export async function destroyChannel(
  channel: string,
  options: DeployOptions,
  deps: ChannelDeps,
): Promise<boolean> {
  return (await bring({ kind: "destroy", target: channel }, options, deps)) !== "failed";
}

/** @returns whether there is such a channel. */
export async function tellDeployments(
  channel: string | undefined,
  { desk, terminal, clock }: ChannelDeps,
): Promise<boolean> {
  if (channel === undefined) {
    const all = await desk.deployments();
    for (const view of all) terminal.tell(summaryLine(view));
    if (all.length === 0) terminal.tell("no channel was deployed");
    return true;
  }
  const view = await desk.deployment(channel);
  terminal.tell(view ? summaryLine(view) : `no channel ${channel} was deployed`);
  for (const step of view?.steps ?? []) terminal.tell(stepLine(step, clock.nowUnixNano()));
  for (const { name, machine, publicUrl, isReady } of view?.edges ?? [])
    terminal.tell(`  ${name} on ${machine}: ${publicUrl} (${isReady ? "ready" : "not ready"})`);
  return view !== undefined;
}

/** The link is a secret: it is told here, and written down nowhere. */
export async function invite(device: string, channel: string, deps: ChannelDeps): Promise<boolean> {
  const change = { kind: "invite", device, channel, forMs: undefined } as const;
  return asked(change, deps);
}

export async function revoke(
  device: string,
  channel: string,
  { isSure }: DeployOptions,
  deps: ChannelDeps,
): Promise<boolean> {
  if (!isSure && !(await deps.terminal.agrees(`Let ${device} watch ${channel} no more?`)))
    return false;
  return asked({ kind: "act", action: { kind: "revoke-device", target: channel, device } }, deps);
}

async function asked(change: Change, { desk, terminal }: ChannelDeps): Promise<boolean> {
  const planned = await desk.plan(change, CALLER);
  const done = "refused" in planned ? planned : await desk.apply(planned.hash, CALLER);
  terminal.tell("refused" in done ? done.refused : done.says);
  return !("refused" in done) && done.ok;
}

async function readWish(file: string): Promise<Extract<Action, { kind: "deploy" }>> {
  let description: string;
  try {
    description = await readFile(file, "utf8");
  } catch (error) {
    throw new OperatorError(`${file}: ${messageOf(error)}`, { cause: error });
  }
  try {
    return { kind: "deploy", target: readDescription(description).channel, description };
  } catch (error) {
    if (!(error instanceof DescriptionError)) throw error;
    const lines = error.mistakes.map(
      ({ line, column, says }) => `${file}:${line}:${column} ${says}`,
    );
    throw new OperatorError(lines.join("\n"), { cause: error });
  }
}

async function bring(
  action: Extract<Action, { kind: "deploy" | "destroy" }>,
  { isSure, planOnly }: DeployOptions,
  { desk, terminal, clock }: ChannelDeps,
): Promise<"done" | "same" | "failed"> {
  const { target } = action;
  const planned = await desk.plan({ kind: "act", action }, CALLER);
  if ("refused" in planned) {
    const isSame = planned.because === "nothing_to_do";
    terminal.tell(isSame ? `${target}: 0 changes` : `${target}: ${planned.refused}`);
    return isSame ? "same" : "failed";
  }
  terminal.tell(planned.says);
  if (planOnly) return "done";
  if (!isSure && !(await terminal.agrees(`Do this with ${target}?`))) return "same";
  const before = await desk.deployment(target);
  const begun = await desk.apply(planned.hash, CALLER);
  if ("refused" in begun) {
    terminal.tell(`${target}: ${begun.refused}`);
    return "failed";
  }
  return (await follow(target, before, { desk, terminal, clock })) ? "done" : "failed";
}

/** Until it is done; a line for each step that ends. @returns whether it is as wished. */
async function follow(
  channel: string,
  before: DeploymentView | undefined,
  { desk, terminal, clock }: ChannelDeps,
): Promise<boolean> {
  const told = new Set<string>();
  for (;;) {
    const view = await desk.deployment(channel);
    if (!view) {
      terminal.tell(`${channel}: nothing of it is left`);
      return true;
    }
    for (const step of view.steps) {
      const key = `${view.revision} ${step.name} ${step.state}`;
      if (step.state === "waiting" || told.has(key)) continue;
      const line = stepLine(step, clock.nowUnixNano());
      if (step.state === "running") terminal.show(line);
      else {
        told.add(key);
        terminal.tell(line);
      }
    }
    if (!UNDER_WAY.has(view.phase) && view.sinceUnixNano !== before?.sinceUnixNano) {
      terminal.tell(summaryLine(view));
      return view.phase === "live" && view.problem === "";
    }
    await clock.sleep(LOOK_INTERVAL_MS);
  }
}
