/** All that a deployment touches, real: three machines with VXLAN and runc, Icinga2, enrolment. In a network of its own. */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { UNLIMITED } from "@glassline/opsbot/unlimited";
import type { EdgeState } from "@glassline/proto/node";
import { NodeAgentService } from "@glassline/proto/node";
import type { PeerName } from "@glassline/service/identity";
import { peerClient } from "@glassline/service/peer-client";

import { DeploymentStage } from "./deployment-stage.ts";
import { ICINGA_ROOT } from "./shipped-icinga.ts";
import { run } from "./stage-apps.ts";

const MACHINES = 3;
/** One on each machine, and the shield. */
export const WHOLE_EDGES = MACHINES + 1;
const LOOKER: PeerName = { role: "operator", instance: "looker" };

/** @param seconds for which its test load plays. */
export const wholeDescription = (channel: string, seconds: number) => `channel: ${channel}
source: /live/cam-0001/index.m3u8
machines: [machine-1, machine-2, machine-3]
shield: machine-1
container: {driver: runc, memory: 512MiB}
# No viewer is there yet whom it could disturb.
cache: {perSecond: 100}
slo: {hitRate: 50%, firstByte: 2s, errors: 1%, stalls: 10, players: 3, for: ${seconds}s}
clients: {}
`;

export interface WholeStage extends AsyncDisposable {
  stage: DeploymentStage;
  /** Of deployed channels, on a machine or on all. */
  edges(machine?: string): Promise<EdgeState[]>;
  /** Names of a channel's hosts in Icinga. */
  hosts(channel: string): Promise<string[]>;
  /** What of a channel is on machines, also in files, and in Icinga, for people; empty: nothing. */
  left(channel: string): Promise<string[]>;
}

export async function startWholeStage(): Promise<WholeStage> {
  await using stack = new AsyncDisposableStack();
  const stage = stack.use(
    await DeploymentStage.start({
      machines: MACHINES,
      namespaces: "here",
      // More often, the plugins of so many services would take all of this machine's cores.
      icinga: { checkInterval: "60s" },
      enrolment: true,
      opsbot: UNLIMITED,
    }),
  );
  const looker = await stage.issue(LOOKER);
  const clients = new Map(
    [...stage.agents].map(([machine, { endpoint }]) => [
      machine,
      stack.use(peerClient(NodeAgentService, endpoint, "node-agent", looker)),
    ]),
  );
  const root = await stage.issue(ICINGA_ROOT);
  const edges = async (machine?: string) => {
    const asked = machine === undefined ? [...clients.values()] : [clients.get(machine)!];
    const looks = await Promise.all(asked.map((client) => client.getStatus({})));
    return looks.flatMap((look) => look.edges.filter(({ spec }) => spec?.channel !== ""));
  };
  const hosts = async (channel: string) => {
    const { body } = await stage.icinga.ask(root, "GET", "/v1/objects/hosts");
    const all = (body.results ?? []).map(({ name }) => name);
    return all.filter((name) => name.startsWith(`${channel}-`));
  };
  const left = async (channel: string) => [
    ...(await edges()).map(({ spec }) => `edge ${spec?.name}`),
    ...(await hosts(channel)).map((name) => `host ${name} in Icinga`),
    ...(await interfaces(stage)),
    ...(await containers(stage)),
    ...(await files(stage, channel)),
  ];
  const owned = stack.move();
  return { stage, edges, hosts, left, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Bridges and tunnels of overlays. */
async function interfaces({ underlay }: DeploymentStage): Promise<string[]> {
  const found = await Promise.all(
    underlay!.machines.map(async (machine, at) => {
      const links = JSON.parse(await machine.ip("-j link")) as { ifname: string }[];
      const own = links.map(({ ifname }) => ifname).filter((name) => name.startsWith("gl"));
      return own.map((name) => `${name} on machine-${at + 1}`);
    }),
  );
  return found.flat();
}

/** Of its edges: keys, logs, certificates. */
async function files({ directory, pkiDir, agents }: DeploymentStage, channel: string) {
  const folders = [
    pkiDir,
    ...agents.values().map(({ endpoint }) => join(directory, endpoint.name)),
  ];
  const found = await Promise.all(
    folders.map((folder) => readdir(folder, { recursive: true, withFileTypes: true })),
  );
  return found
    .flat()
    .filter(({ name }) => name.startsWith(`${channel}-`) || name.includes(`.${channel}-`))
    .map(({ parentPath, name }) => join(parentPath, name));
}

async function containers({ directory, agents }: DeploymentStage): Promise<string[]> {
  const found: string[] = [];
  for (const { endpoint } of agents.values()) {
    const root = join(directory, endpoint.name, "runc");
    if (!existsSync(root)) continue;
    const { output } = await run(["runc", "--root", root, "list", "--quiet"]);
    found.push(...output.split("\n").filter((id) => id !== ""));
  }
  return found.map((id) => `container ${id}`);
}
