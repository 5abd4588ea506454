/** What is looked at for deployments, whoever else observes: machines that are away, and channels that are otherwise than wished. */
import { messageOf } from "@glassline/service/errors";

import type { Deployer } from "../deployment/deployer.ts";
import { lackingOf } from "../deployment/observed.ts";
import type { Machines } from "../machines.ts";
import type { Network } from "../network.ts";
import type { Deployment, DeploymentReads } from "../stores/deployments.ts";
import type { VniKeeping } from "../vni-keeping.ts";
import type { Check } from "./monitor.ts";
import type { Finding } from "./observer.ts";

const SHOWN = 3;
/** Of an edge whose machine has not answered for longer already. */
const EDGE_TIMEOUT_MS = 500;

export interface DeploymentChecksDeps {
  network: Pick<Network, "agents" | "edges">;
  machines: Machines;
  deployments: Pick<DeploymentReads, "all">;
  deployer: Deployer;
  keeping: Pick<VniKeeping, "conflicts">;
}

export function deploymentChecks(deps: DeploymentChecksDeps): Check[] {
  return [
    { name: "machine", maxAttempts: 3, volatile: false, run: (isAnew) => machines(deps, isAnew) },
    { name: "drift", maxAttempts: 2, volatile: false, run: () => drift(deps) },
    {
      name: "conflicts",
      maxAttempts: 1,
      volatile: false,
      // Without machines there are none.
      run: async () => (deps.network.agents.size === 0 ? [] : [conflicts(deps)]),
    },
  ];
}

/** No runbook answers it: people look. */
function conflicts({ keeping }: DeploymentChecksDeps): Finding {
  const about = { object: "vnis", check: "conflicts" };
  const all = keeping.conflicts;
  if (all.length === 0) return { ...about, state: "ok", output: "each VNI has one owner" };
  return { ...about, state: "critical", output: firstOf(all) };
}

function firstOf(all: readonly string[]): string {
  const more = all.length > SHOWN ? ` and ${all.length - SHOWN} more` : "";
  return `${all.slice(0, SHOWN).join("; ")}${more}`;
}

/** A machine whose node-agent alone has ended goes on: its edges are asked, too. */
async function machines(
  { network, machines: all, deployments }: DeploymentChecksDeps,
  isAnew: boolean | undefined,
) {
  const { machines: there, away } = await all.lately(isAnew);
  const findings: Finding[] = [...there.keys()].map((object) => ({
    object,
    check: "machine",
    state: "ok",
    output: "its node-agent answers",
  }));
  if (away.size === 0) return findings;
  const deployed = await deployments.all();
  const edges = deployed.flatMap(({ told }) => told.edges);
  // Also those of which an earlier life of OpsBot knew.
  const names = new Set([...all.known().keys(), ...edges.map(({ machine }) => machine)]);
  for (const object of [...names].filter((name) => !there.has(name))) {
    const agent = all.known().get(object)?.agent ?? [...away.keys()].join(" or ");
    const own = edges.filter(({ machine }) => machine === object);
    const answers = await Promise.all(own.map(({ name }) => isThere(network, name)));
    const about = { object, check: "machine" };
    const says = `its node-agent ${agent} does not answer`;
    if (answers.includes(true))
      findings.push({ ...about, state: "warning", output: `${says}, its edges do` });
    else if (isEvacuated(object, deployed))
      findings.push({ ...about, state: "warning", output: `${says}; what it had is elsewhere` });
    else findings.push({ ...about, state: "critical", output: `${says}, nor does an edge on it` });
  }
  return findings;
}

/** Channels that need it do without it, and nothing of any is wished there. */
function isEvacuated(machine: string, deployed: readonly Deployment[]): boolean {
  const isOn = (one: { machine: string }) => one.machine === machine;
  return (
    deployed.some(({ kept }) => kept.away.includes(machine)) &&
    !deployed.some(({ told }) => told.edges.some(isOn) || told.segments.some(isOn))
  );
}

async function isThere({ edges }: Pick<Network, "edges">, name: string): Promise<boolean> {
  const client = edges.get(name);
  if (!client) return false;
  return client.getStatus({}, { timeoutMs: EDGE_TIMEOUT_MS }).then(
    () => true,
    () => false,
  );
}

/** Of what is live; what is being changed is as it can be. Machines that are away are another matter. */
async function drift({ deployer, machines: all, deployments }: DeploymentChecksDeps) {
  const live = (await deployments.all()).filter(({ phase }) => phase === "live");
  if (live.length === 0) return [];
  const look = await all.lately();
  return Promise.all(
    live.map(async (deployment): Promise<Finding> => {
      const about = { object: deployment.channel, check: "drift" };
      if (deployer.isChanging(deployment.channel))
        return { ...about, state: "pending", output: "it is being brought elsewhere" };
      try {
        const lacking = await lackingOf(deployment, deployer.parts, look);
        if (lacking.length === 0) return { ...about, state: "ok", output: "it is as described" };
        return { ...about, state: "critical", output: firstOf(lacking) };
      } catch (error) {
        return { ...about, state: "unknown", output: messageOf(error) };
      }
    }),
  );
}
