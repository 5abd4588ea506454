/** OpsBot killed between intent and effect, and between effect and result: it finishes, and what it did happened once. */
import { join } from "node:path";

import { EdgeCacheService } from "@glassline/proto/edge";
import { jsonClient } from "@glassline/proto/json";
import type { EdgeState, SetDesiredStateRequest } from "@glassline/proto/node";
import { EdgePhase, NodeAgentService } from "@glassline/proto/node";
import { EntryKind, IncidentPhase, OpsBotService } from "@glassline/proto/opsbot";
import type { Client } from "@glassline/proto/rpc";
import { createClient } from "@glassline/proto/rpc";
import { RECONNECT_OPTIONS } from "@glassline/service/grpc";
import { readIdentity } from "@glassline/service/identity";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient } from "@glassline/service/tls";
import { describe, expect, test } from "vitest";

import type { ProcessPlan } from "./process-plan.ts";
import { Supervisor } from "./supervisor.ts";
import type { Held } from "./testing/door.ts";
import { Door, openDoor } from "./testing/door.ts";
import type { ProcessStack } from "./testing/processes.ts";
import { adminUrl, startProcesses } from "./testing/processes.ts";
import { eventually } from "./testing/testbed.ts";

const CALLER = { role: "opsbot", instance: "opsbot" } as const;
const EDGE = { role: "edge-cache", instance: "edge-1" } as const;
const AGENT = { role: "node-agent", instance: "node-agent" } as const;
const EDGE_TOKEN = "GLASSLINE_OPSBOT_EDGE_TOKEN";
const { SEEN, DECIDED, INTENT, DONE, VERIFIED, CLOSED } = EntryKind;

/** A network whose OpsBot acts on edge-1 and the node-agent through a door. */
interface Stage extends AsyncDisposable {
  door: Door;
  opsbot: Client<typeof OpsBotService>;
  /** Ends OpsBot with SIGKILL, opens the door, and starts it again. */
  killOpsBot(): Promise<void>;
  edge(): Promise<EdgeState>;
  actionsDone(): Promise<Record<string, bigint>>;
}

async function openStage(): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const network = stack.use(await startProcesses({}, ["origin", "node-agent"]));
  const { plan, directory } = network;
  const pkiDir = join(directory, "pki");
  const planned = plan.processes.find(({ name }) => name === "opsbot")!;
  const door = new Door();
  const token = planned.environment[EDGE_TOKEN]!;
  const behindDoors: ProcessPlan = { ...planned, arguments: [...planned.arguments] };
  for (const [at, [flag, behind, service]] of (
    [
      ["--edge=edge-1=", EDGE, EdgeCacheService],
      ["--node-agent=node-agent=", AGENT, NodeAgentService],
    ] as const
  ).entries()) {
    const port = planned.ports[0]!.port + DOOR_OFFSET + at;
    const index = planned.arguments.findIndex((word) => word.startsWith(flag));
    const address = planned.arguments[index]!.slice(flag.length);
    const options = { service, behind, address, caller: CALLER, token, pkiDir, port };
    stack.use(await openDoor(door, options));
    behindDoors.arguments = behindDoors.arguments.with(index, `${flag}localhost:${port}`);
  }
  const supervisor = stack.use(superviseOpsBot(behindDoors, network));
  await supervisor.start();
  const operator = await readIdentity(pkiDir, { role: "operator", instance: "local" });
  const opsbot = stack.use(
    createClient(
      OpsBotService,
      `localhost:${planned.ports[0]!.port}`,
      mutualTlsClient(operator, "opsbot"),
      { ...TLS_CHANNEL_OPTIONS, ...RECONNECT_OPTIONS },
    ),
  );
  const agent = jsonClient(NodeAgentService, adminUrl(plan, "node-agent"));
  const edge = async () => (await agent.getStatus()).edges.find(isEdge1)!;
  const edgeAdmin = jsonClient(EdgeCacheService, `http://localhost:${plan.edges[0]!.adminPort}`);
  await eventually("edge-1 is ready", async () =>
    (await edge()).phase === EdgePhase.READY ? true : undefined,
  );
  const parts = stack.move();
  return {
    door,
    opsbot,
    edge,
    killOpsBot: async () => {
      await supervisor.kill("opsbot", "SIGKILL");
      door.open();
      await supervisor.restart("opsbot");
    },
    actionsDone: async () => (await edgeAdmin.getStatus()).actionsDone,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

const DOOR_OFFSET = 40;

function superviseOpsBot(plan: ProcessPlan, { directory }: ProcessStack): Supervisor {
  const quick = { ...plan, arguments: [...plan.arguments, "--interval=500ms"] };
  const logDirectory = join(directory, "logs");
  return new Supervisor([quick], { logDirectory, restart: false, say: () => {} });
}

const isEdge1 = ({ spec }: EdgeState) => spec?.name === "edge-1";

/** Ways to make OpsBot act, and what must have happened at the end, once. */
const CASES = [
  {
    action: "flush",
    isMeant: (method: string) => method === "purge",
    begin: async ({ opsbot }: Stage) => {
      const { suggestions } = await opsbot.chat({ text: "flush edge-1", mayChange: true });
      expect(suggestions[0]).toMatch(/^yes /);
      void opsbot.chat({ text: suggestions[0]!, mayChange: true }).catch(() => {});
    },
    story: [SEEN, INTENT, DONE, CLOSED],
    happened: async ({ actionsDone }: Stage) => expect(await actionsDone()).toEqual({ purge: 1n }),
  },
  {
    action: "prime",
    isMeant: (method: string) => method === "prime",
    begin: async ({ edge }: Stage) => void process.kill((await edge()).processId, "SIGKILL"),
    story: [SEEN, DECIDED, INTENT, DONE, VERIFIED, CLOSED],
    happened: async ({ actionsDone }: Stage) => expect(await actionsDone()).toEqual({ prime: 1n }),
  },
  {
    action: "restart",
    isMeant: (method: string, request: object) =>
      method === "setDesiredState" &&
      (request as SetDesiredStateRequest).edges.some(({ generation }) => generation > 1n),
    begin: async ({ edge }: Stage) => void process.kill((await edge()).processId, "SIGSTOP"),
    story: [SEEN, DECIDED, INTENT, DONE, VERIFIED, CLOSED],
    happened: async ({ edge }: Stage) =>
      expect(await edge()).toMatchObject({ generation: 2n, unexpectedEnds: 0 }),
  },
] as const;

describe.each(CASES)("OpsBot, killed during a $action,", { timeout: 90_000 }, (each) => {
  test.each<[string, Held]>([
    ["between intent and effect", "request"],
    ["between effect and result", "answer"],
  ])("%s, finishes it once", async (_, held) => {
    await using stage = await openStage();
    const { door, opsbot } = stage;
    door.hold(held, each.isMeant);
    await each.begin(stage);
    await eventually("the action is under way", () => (door.held > 0 ? true : undefined), 30_000);
    await stage.killOpsBot();
    const { incident, entries } = await eventually(
      "the incident is closed",
      async () => {
        const found = await opsbot.getIncident({ id: 1n });
        return found.incident?.phase === IncidentPhase.RESOLVED ? found : undefined;
      },
      90_000,
    );
    expect(entries.map(({ kind }) => kind)).toEqual(each.story);
    await each.happened(stage);
    const { incidents } = await opsbot.listIncidents({});
    expect(incidents.filter(({ check }) => check === incident!.check)).toHaveLength(1);
  });
});
