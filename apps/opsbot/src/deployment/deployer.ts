/** Brings a channel to what is wished, step after step; takes it back when it falls short; takes it down. */
import { create } from "@bufbuild/protobuf";
import { SetDesiredStateRequestSchema } from "@glassline/proto/node";
import { messageOf } from "@glassline/service/errors";

import type { EffectDeps } from "../actions/effects.ts";
import { released } from "../actions/effects.ts";
import { asBefore, asLive } from "../core/deployment/kept.ts";
import { NOTHING_KEPT } from "../core/deployment/layout.ts";
import { readDescription } from "../core/deployment/read-description.ts";
import type { Deployment, DeploymentChange } from "../stores/deployments.ts";
import type { Intent } from "../stores/intents.ts";
import { NotLeadingError } from "../stores/sql.ts";
import type { Begun, DeploymentParts } from "./parts.ts";
import { STEPS } from "./steps/all.ts";
import type { Done, Step } from "./steps/step.ts";

const WITHOUT_LOAD = STEPS.filter(({ name }) => name !== "cache");
/** Of a machine that died. */
const MOVED_AT_ONCE = 8;
const EMPTY = create(SetDesiredStateRequestSchema);

/** Where steps are told: in those of the channel and in the story, or in the story alone, where those of what fell short stay. */
type Telling = "shown" | "back" | "moved";

const run = async (step: Step, begun: Begun) =>
  step.run({ ...begun, description: readDescription(begun.deployment.description) });

const undo = (step: Step, begun: Begun) => step.undo(begun);

export class Deployer {
  readonly #parts: DeploymentParts;
  /** By channel that is being changed: the end of what was begun last. */
  readonly #underWay = new Map<string, Promise<unknown>>();

  constructor(parts: DeploymentParts) {
    this.#parts = parts;
  }

  get parts(): DeploymentParts {
    return this.#parts;
  }

  /** Whether something is being done with it. */
  isChanging(channel: string): boolean {
    return this.#underWay.has(channel);
  }

  /** Of a deployment that was wished, however far it came before. Rejects with why the channel is not as wished. */
  deploy(intent: Intent, effects: EffectDeps): Promise<string> {
    return this.#inTurn(intent.action.target, () => this.#deploy(intent, effects));
  }

  destroy(intent: Intent, effects: EffectDeps): Promise<string> {
    return this.#inTurn(intent.action.target, () => this.#destroy(intent, effects));
  }

  /** Whatever shall run elsewhere because a machine is away is brought there. @returns what was done, for people. */
  async evacuate(intent: Intent, effects: EffectDeps): Promise<string[]> {
    const all = await this.#parts.journal.deployments.all();
    const waiting = all.map(({ channel }) => channel);
    const [done, failures]: [string[], string[]] = [[], []];
    const move = async (): Promise<void> => {
      for (let channel = waiting.shift(); channel !== undefined; channel = waiting.shift())
        await this.#inTurn(channel, () => this.#move(channel!, intent, effects)).then(
          (moved) => moved !== undefined && done.push(moved),
          (error: unknown) => failures.push(`${channel}: ${messageOf(error)}`),
        );
    };
    await Promise.all(Array.from({ length: MOVED_AT_ONCE }, move));
    effects.signal.throwIfAborted();
    if (failures.length > 0) throw new Error([...failures, ...done].join("; "));
    return done;
  }

  /** What is done with a channel is done one after the other: each step goes on from what the one before has told node-agents. */
  async #inTurn<T>(channel: string, work: () => Promise<T>): Promise<T> {
    const before = this.#underWay.get(channel) ?? Promise.resolve();
    const turn = before.then(work);
    const end = turn.catch(() => {});
    this.#underWay.set(channel, end);
    try {
      return await turn;
    } finally {
      if (this.#underWay.get(channel) === end) this.#underWay.delete(channel);
    }
  }

  async #deploy(intent: Intent, effects: EffectDeps): Promise<string> {
    const deployment = await this.#read(intent.action.target);
    if (!deployment || deployment.phase === "leaving") return "it was taken down meanwhile";
    if (deployment.phase === "rolling_back")
      return this.#rollBack(intent, effects, deployment.problem);
    const { phase, problem } = deployment;
    if (phase === "failed" || (phase === "live" && problem !== "")) throw new Error(problem);
    if (phase === "live") return `${deployment.channel} is live`;
    await this.#change(deployment.channel, { incident: intent.incidentId });
    const { channel, description } = deployment;
    const isMended = phase === "drifted";
    try {
      // What is mended keeps its promise, or monitoring says so: it is not tried by a load again.
      const steps = isMended ? WITHOUT_LOAD : STEPS;
      await this.#walk(steps, run, intent, effects);
      if (isMended)
        await this.#parts.journal.transact(({ deployments }) =>
          deployments.step(channel, "cache", "skipped", "it was tried when it was deployed"),
        );
    } catch (error) {
      if (effects.signal.aborted || error instanceof NotLeadingError) throw error;
      if (!isMended) return this.#rollBack(intent, effects, messageOf(error));
      await this.#change(channel, { phase: "live", problem: messageOf(error) });
      throw error;
    }
    await this.#change(channel, ({ kept }) => ({
      phase: "live",
      liveDescription: description,
      problem: "",
      kept: asLive(kept),
    }));
    return `${channel} is live`;
  }

  async #destroy(intent: Intent, effects: EffectDeps): Promise<string> {
    const { target: channel } = intent.action;
    const deployment = await this.#read(channel);
    if (!deployment) return `nothing of ${channel} is left`;
    try {
      await this.#undo(intent, effects, "shown");
    } catch (error) {
      if (!effects.signal.aborted && !(error instanceof NotLeadingError))
        await this.#parts.journal.transact(({ deployments }) =>
          deployments.change(channel, { phase: "failed", problem: messageOf(error) }),
        );
      throw error;
    }
    const edges = [...deployment.goal.edges, ...deployment.told.edges].map(({ name }) => name);
    await this.#parts.journal.transact(async (records) => {
      await records.deployments.remove(channel);
      for (const object of new Set([channel, ...edges]))
        await records.closeAbout(object, `${channel} was taken down`);
    });
    await this.#parts.watch();
    return `nothing of ${channel} is left`;
  }

  /** @returns where it is now; undefined: nothing of it was on the machine. */
  async #move(channel: string, intent: Intent, effects: EffectDeps): Promise<string | undefined> {
    const deployment = await this.#read(channel);
    if (!deployment?.kept.away.includes(intent.action.target)) return undefined;
    if (deployment.phase === "leaving" || deployment.phase === "failed") return undefined;
    const moving = { ...intent, action: { kind: "deploy", target: channel } } as const;
    await this.#walk(WITHOUT_LOAD, run, moving, effects, "moved");
    const { goal } = (await this.#read(channel))!;
    return `${channel} runs on ${[...new Set(goal.edges.map(({ machine }) => machine))].join(", ")}`;
  }

  /** What it was before, or nothing when it was never live. */
  async #rollBack(intent: Intent, effects: EffectDeps, why: string): Promise<never> {
    const { target: channel } = intent.action;
    const { liveDescription } = (await this.#read(channel))!;
    await this.#change(channel, { phase: "rolling_back", problem: why });
    try {
      if (liveDescription === "") await this.#undo(intent, effects, "back");
      else {
        await this.#change(channel, ({ kept }) => ({
          description: liveDescription,
          kept: asBefore(kept),
        }));
        await this.#walk(WITHOUT_LOAD, run, intent, effects, "back");
      }
    } catch (error) {
      if (effects.signal.aborted || error instanceof NotLeadingError) throw error;
      const problem = `${why}; and it could not be taken back: ${messageOf(error)}`;
      await this.#change(channel, { phase: "failed", problem });
      throw new Error(problem, { cause: error });
    }
    if (liveDescription === "") {
      const nothing = { goal: EMPTY, told: EMPTY, kept: NOTHING_KEPT };
      await this.#change(channel, { ...nothing, phase: "failed" });
      throw new Error(`${why}. Nothing of it was left running`);
    }
    await this.#change(channel, { phase: "live" });
    throw new Error(`${why}. It is as it was before`);
  }

  /** All steps, also when one cannot be undone. Rejects with what could not be. */
  async #undo(intent: Intent, effects: EffectDeps, telling: Telling): Promise<void> {
    const failures: string[] = [];
    for (const step of STEPS.toReversed())
      try {
        await this.#walk([step], undo, intent, effects, telling);
      } catch (error) {
        if (effects.signal.aborted || error instanceof NotLeadingError) throw error;
        failures.push(`${step.name}: ${messageOf(error)}`);
      }
    if (failures.length > 0) throw new Error(failures.join("; "));
  }

  async #walk(
    steps: readonly Step[],
    go: (step: Step, begun: Begun) => Promise<Done>,
    intent: Intent,
    effects: EffectDeps,
    telling: Telling = "shown",
  ): Promise<void> {
    for (const step of steps) {
      await released(effects);
      effects.signal.throwIfAborted();
      const begun = await this.#begun(intent, effects);
      const tell = (state: "running" | "done" | "failed" | "skipped", says: string) =>
        this.#tell(intent, step, state, says, telling);
      await tell("running", "");
      const done = await go(step, begun).catch(async (error: unknown) => {
        if (!effects.signal.aborted && !(error instanceof NotLeadingError))
          await tell("failed", messageOf(error));
        throw error;
      });
      if ("says" in done) await tell("done", done.says);
      else await tell("skipped", done.skipped);
    }
  }

  #tell(
    { action, incidentId }: Intent,
    { name }: Step,
    state: "running" | "done" | "failed" | "skipped",
    says: string,
    telling: Telling,
  ): Promise<void> {
    const before = { shown: "", back: "back: ", moved: `${action.target}: ` }[telling];
    return this.#parts.journal.transact(async (records) => {
      if (telling === "shown") await records.deployments.step(action.target, name, state, says);
      if (state === "done" || state === "failed")
        await records.note(incidentId, "decided", `${before}${name}: ${says}`);
    });
  }

  async #begun({ action, idempotencyKey }: Intent, effects: EffectDeps): Promise<Begun> {
    const deployment = (await this.#read(action.target))!;
    return { deployment, parts: this.#parts, effects, idempotencyKey };
  }

  #read(channel: string): Promise<Deployment | undefined> {
    return this.#parts.journal.deployments.of(channel);
  }

  /** Not when it was wished meanwhile that nothing of it stays. */
  #change(
    channel: string,
    what: DeploymentChange | ((known: Deployment) => DeploymentChange),
  ): Promise<void> {
    return this.#parts.journal.transact(async ({ deployments }) => {
      const known = await deployments.of(channel);
      if (!known || known.phase === "leaving") return;
      await deployments.change(channel, typeof what === "function" ? what(known) : what);
    });
  }
}
