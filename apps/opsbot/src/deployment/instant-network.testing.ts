/** Channels on node-agents that do at once what they are told, and a desk where they are planned. */
import { create } from "@bufbuild/protobuf";
import { RpcError } from "@glassline/proto/errors";
import type { EdgeSpec, SetDesiredStateRequest } from "@glassline/proto/node";
import {
  ContainerDriver,
  EdgePhase,
  GetStatusResponseSchema,
  SegmentPhase,
  SetDesiredStateRequestSchema,
} from "@glassline/proto/node";
import type { ValidationReport } from "@glassline/proto/opsbot";
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";

import { readDesired } from "../actions/desired-state.ts";
import type { EffectDeps } from "../actions/effects.ts";
import type { Action } from "../core/action.ts";
import { DeploymentDesk } from "../deployments.ts";
import { Machines } from "../machines.ts";
import { openFile, scratch } from "../stores/store.testing.ts";
import { Turns } from "../stores/turns.ts";
import { openVnis } from "../vnis/open-vnis.ts";
import { forgetMachine } from "../actions/channel-effects.ts";
import { Deployer } from "./deployer.ts";
import type { DeploymentParts } from "./parts.ts";

const logger = createLogger("opsbot", "silent");

/** @param agents their machines. */
export async function instantNetwork(agents: Readonly<Record<string, readonly string[]>>) {
  await using stack = new AsyncDisposableStack();
  const led = stack.use(await openFile(scratch(), () => systemClock.nowUnixNano()));
  const { journal, fencingToken } = led;
  const settings = { dataDir: scratch(), postgres: "", postgresCa: "", tenants: "" };
  const vnis = stack.use(await openVnis(settings, { clock: systemClock, logger }));
  /** Machines without power. */
  const dead = new Set<string>();
  /** Edges that their node-agents still have though nobody wishes them. */
  const lingering: EdgeSpec[] = [];
  const stage = { dead, lingering, falls: "", refused: [] as string[], forgotten: [] as string[] };
  const named = Object.entries(agents).map(([name, machines]) => {
    const agent = agentOf(name, machines, { dead, lingering });
    const setDesiredState = async (request: SetDesiredStateRequest) => {
      const answer = await agent.setDesiredState(request).catch((error: unknown) => {
        stage.refused.push(String(error));
        throw error;
      });
      return answer;
    };
    return [name, { ...agent, setDesiredState }] as const;
  });
  const network = { agents: new Map(named), edges: new Map() } as unknown as EffectDeps["network"];
  // What was told a moment ago never counts.
  const clock = { monotonicMs: () => 1_000 * performance.now() };
  const machines = new Machines(network, clock);
  const desired = readDesired("", network, journal, () => machines.there());
  const validate = async () =>
    ({ passed: stage.falls === "", shortfalls: [stage.falls] }) as ValidationReport;
  const parts = {
    journal,
    vnis,
    layouts: new Turns(),
    registrar: { lacks: async () => [], register: async () => "", remove: async () => "" },
    enrolment: undefined,
    enrolled: { get: async () => undefined, forget: () => {} },
    edges: network.edges,
    authorization: "",
    origins: [{ name: "origin", url: "https://localhost:7450" }],
    configuredEdges: [],
    allowedOrigins: [],
    caches: { seed: async () => "", validate },
    watch: async () => {},
    forgetMachine: (name: string) => void stage.forgotten.push(name),
  } as unknown as DeploymentParts;
  const deployer = new Deployer(parts);
  const effects = {
    network,
    desired,
    deployer,
    clock: systemClock,
    edgeToken: "",
    fencingToken,
    isHeld: async () => false,
    signal: new AbortController().signal,
  } as EffectDeps;
  let wishes = 0;
  const intended = async <A extends Action>(wished: A) => {
    await machines.look();
    return journal.transact(async (records) => {
      const action = await desired.wish(wished, records);
      if ("cannot" in action) throw new Error(action.cannot);
      const about = { object: action.target, check: `request ${wishes++}`, title: "asked for" };
      const incident = await records.openIncident(about, "asked");
      return { ...(await records.intend(incident, action, "")), action: action as A };
    });
  };
  const desk = new DeploymentDesk(parts, machines, clock);
  const owned = stack.move();
  return Object.assign(stage, {
    journal,
    vnis,
    /** What somebody plans who describes it. */
    plan: (target: string, description: string) =>
      desk.changesOf({ kind: "deploy", target, description }),
    deploy: async (target: string, description: string) =>
      deployer.deploy(await intended({ kind: "deploy", target, description }), effects),
    evacuate: async (target: string) =>
      deployer.evacuate(await intended({ kind: "evacuate", target }), effects),
    /** What somebody is told who would have it forgotten. */
    planForgetting: (target: string) => desk.changesOf({ kind: "forget-machine", target }),
    forget: async (target: string) =>
      forgetMachine(await intended({ kind: "forget-machine", target }), effects),
    destroy: async (target: string) =>
      deployer.destroy(await intended({ kind: "destroy", target }), effects),
    /** Of a channel's edges: "harbour-1 machine-1". */
    places: async (channel: string) =>
      (await journal.deployments.of(channel))!.goal.edges.map(
        ({ name, machine }) => `${name} ${machine}`,
      ),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  });
}

function agentOf(
  agent: string,
  machines: readonly string[],
  { dead, lingering }: { dead: ReadonlySet<string>; lingering: readonly EdgeSpec[] },
) {
  let desired = create(SetDesiredStateRequestSchema);
  const answer = () => {
    if (machines.some((one) => dead.has(one))) throw new RpcError("unavailable", "it is away");
  };
  return {
    getStatus: async () => {
      answer();
      return create(GetStatusResponseSchema, {
        agent,
        machines: [...machines],
        machineStates: machines.map((name, at) => ({
          name,
          drivers: [ContainerDriver.PROCESS],
          underlayAddress: `192.0.2.${Number(name.split("-").at(-1)) + at}`,
          firstPort: 7_600,
          lastPort: 7_699,
        })),
        edges: [
          ...desired.edges,
          ...lingering.filter(({ machine }) => machines.includes(machine)),
        ].map((spec) => ({
          spec,
          machine: spec.machine,
          current: true,
          phase: EdgePhase.READY,
        })),
        segments: desired.segments.map((segment) => ({ segment, phase: SegmentPhase.UP })),
      });
    },
    setDesiredState: async (request: SetDesiredStateRequest) => {
      answer();
      const names = request.edges.map(({ name }) => name);
      const ports = request.edges.map(({ port }) => port);
      if (new Set(names).size < names.length) throw new Error(`names of edges: got ${names}`);
      if (new Set(ports).size < ports.length) throw new Error(`ports of edges: got ${ports}`);
      desired = request;
      return { changed: true };
    },
  };
}
