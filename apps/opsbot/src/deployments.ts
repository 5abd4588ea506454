/** Deployments as people ask for them: what would be done, and what there is. */
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";

import type { Action } from "./core/action.ts";
import { changesBetween } from "./core/deployment/changes.ts";
import { answering, stillUsed } from "./core/deployment/forgotten.ts";
import { askedAnew } from "./core/deployment/kept.ts";
import { lackingEdges } from "./core/deployment/lacks.ts";
import { layoutOf } from "./core/deployment/layout.ts";
import { readDescription } from "./core/deployment/read-description.ts";
import { counted } from "./core/words.ts";
import { factsOf, ownerOf } from "./deployment/facts.ts";
import { lackingOf } from "./deployment/observed.ts";
import type { DeploymentParts } from "./deployment/parts.ts";
import type { DeploymentView, Refusal } from "./desk.ts";
import { Lately } from "./lately.ts";
import type { Machines } from "./machines.ts";
import type { Deployment } from "./stores/deployments.ts";
import { newDeployment } from "./stores/deployments.ts";

const OTHERS_MS = 250;

/** Stands for a VNI that is not given yet, and for its network. */
const UNKNOWN = { vni: 1, ipv4: undefined, ipv6: "fd00::/64" } as const;
/** Any that has room for its machines. */
const UNKNOWN_IPV4 = "10.0.0.0/8";

export class DeploymentDesk {
  readonly #parts: DeploymentParts;
  readonly #machines: Machines;
  /** Who plans many channels one after the other is told the same of the others; when it is done, it is looked at anew. */
  readonly #others: Lately<Deployment[]>;

  constructor(parts: DeploymentParts, machines: Machines, clock: Pick<Clock, "monotonicMs">) {
    this.#parts = parts;
    this.#machines = machines;
    this.#others = new Lately(() => parts.journal.deployments.all(), { forMs: OTHERS_MS, clock });
  }

  async all(): Promise<DeploymentView[]> {
    const all = await this.#parts.journal.deployments.all();
    const { edges } = all.length > 0 ? await this.#machines.lately() : { edges: [] };
    return all.map((deployment) => viewOf(deployment, [], edges));
  }

  async of(channel: string): Promise<DeploymentView | undefined> {
    const { deployments } = this.#parts.journal;
    const deployment = await deployments.of(channel);
    if (!deployment) return undefined;
    const { edges } = await this.#machines.lately();
    return viewOf(deployment, await deployments.steps(channel), edges);
  }

  /** What an action would change, a line each; none: that is said by the action itself. "nothing_to_do": it is so already. */
  async changesOf(action: Action): Promise<readonly string[] | Refusal> {
    if (action.kind === "deploy") return this.#considerDeploy(action);
    if (action.kind === "forget-machine") return this.#considerForgetting(action.target);
    return action.kind === "destroy" ? this.#considerDestroy(action.target) : [];
  }

  async #considerDeploy({
    target,
    description,
  }: Extract<Action, { kind: "deploy" }>): Promise<readonly string[] | Refusal> {
    const known = await this.#parts.journal.deployments.of(target);
    const text = description ?? known?.description;
    if (text === undefined) return neverDeployed(target);
    try {
      const isAsked = description !== undefined;
      const lines = await this.#changes(known ?? newDeployment(target), text, isAsked);
      if (lines.length > 0 || known?.phase !== "live") return lines;
      return { because: "nothing_to_do", refused: `${target} is as it is described` };
    } catch (error) {
      return { because: "impossible", refused: messageOf(error) };
    }
  }

  async #considerDestroy(channel: string): Promise<readonly string[] | Refusal> {
    const known = await this.#parts.journal.deployments.of(channel);
    if (!known) return neverDeployed(channel);
    const { edges, segments } = known.goal;
    return [
      ...edges.map(({ name, machine }) => `- edge ${name} on ${machine}`),
      ...segments.map(({ name, machine, vni }) => `- segment ${name} (VNI ${vni}) on ${machine}`),
    ];
  }

  async #considerForgetting(machine: string): Promise<readonly string[] | Refusal> {
    const { machines } = await this.#machines.look();
    if (machines.has(machine)) return { because: "answers", refused: answering(machine) };
    const { journal, vnis } = this.#parts;
    const used = stillUsed(machine, await journal.deployments.all());
    if (used !== undefined) return { because: "in_use", refused: used };
    const waiting = await vnis.countAwaiting(machine);
    return waiting === 0 ? [] : [`- ${counted(waiting, "VNI")} in quarantine until it confirms`];
  }

  /** @param isAsked it is described anew, if only with the same words; otherwise what is live is mended. */
  async #changes(known: Deployment, text: string, isAsked: boolean): Promise<string[]> {
    const description = readDescription(text);
    const look = await this.#machines.lately();
    const kept = isAsked ? askedAnew(known.kept, false) : known.kept;
    const parts = this.#parts;
    let isChosen = known.kept.owners.length > 0;
    const facts = await factsOf(
      { deployment: { ...known, kept }, description, parts },
      look,
      await this.#others.get(),
      async (site, isCore) => {
        const given = (await parts.vnis.of(ownerOf(known.channel, site))) ?? UNKNOWN;
        if (!isCore || !description.overlay.ipv4 || given.ipv4 !== undefined) return given;
        isChosen = false;
        return { ...given, ipv4: UNKNOWN_IPV4 };
      },
    );
    const { wish } = layoutOf(facts);
    const planned = changesBetween(known.goal, wish, isChosen);
    const drifted = known.phase === "live" ? await lackingOf(known, parts, look) : [];
    const isOther = text !== known.description && known.description !== "" && planned.length === 0;
    return [
      ...planned,
      ...drifted.map((line) => `! ${line}`),
      ...(isOther ? ["~ the description"] : []),
    ];
  }
}

export function neverDeployed(channel: string): Refusal {
  return {
    because: "unknown_target",
    refused: `channel: got ${JSON.stringify(channel)}, which was never deployed`,
  };
}

function viewOf(
  deployment: Deployment,
  steps: DeploymentView["steps"],
  states: Parameters<typeof lackingEdges>[1],
): DeploymentView {
  const { goal, kept } = deployment;
  const [segment] = goal.segments;
  return {
    ...deployment,
    steps,
    vni: segment?.vni ?? 0,
    subnets: kept.subnet === undefined ? [] : [kept.subnet],
    edges: goal.edges.map((spec) => ({
      name: spec.name,
      machine: spec.machine,
      role: goal.edges.some(({ shield }) => shield === spec.name) ? "shield" : "edge",
      publicUrl: spec.publicUrl,
      isReady: lackingEdges([spec], states).length === 0,
    })),
  };
}
