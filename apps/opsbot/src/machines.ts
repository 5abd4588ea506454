/** The machines that edges can run on, and the node-agents that they belong to, as those tell. */
import type { EdgeState, GetStatusResponse, SegmentState } from "@glassline/proto/node";
import { ContainerDriver } from "@glassline/proto/node";
import type { Clock } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";

import type { Machine } from "./core/deployment/machine.ts";
import { Lately } from "./lately.ts";
import type { Network } from "./network.ts";
import { LIMITED } from "./network.ts";

/** Those who ask at about the same time are told the same. */
const LATELY_MS = 250;

/** What node-agents told at one moment. */
export interface Look {
  /** Of those that answered, by name. */
  machines: ReadonlyMap<string, Machine>;
  edges: readonly EdgeState[];
  segments: readonly SegmentState[];
  /** VNIs on machines, whoever made them. */
  tunnels: readonly { machine: string; vni: number; isOwn: boolean }[];
  /** Why the others did not, by the name of the node-agent. */
  away: ReadonlyMap<string, string>;
}

/** Remembers what was told last. */
export class Machines {
  readonly #looks: Lately<Look>;
  readonly #known = new Map<string, Machine>();
  #there: ReadonlySet<string> = new Set();

  constructor(network: Pick<Network, "agents">, clock: Pick<Clock, "monotonicMs">) {
    const look = async () => this.#seen(await lookAtMachines(network));
    this.#looks = new Lately(look, { forMs: LATELY_MS, clock });
  }

  /** What was told within the last moment, or is now. @param isAnew what was told before does not count. */
  lately(isAnew = false): Promise<Look> {
    return this.#looks.get(isAnew);
  }

  look(): Promise<Look> {
    return this.#looks.now();
  }

  #seen(look: Look): Look {
    for (const [name, machine] of look.machines) this.#known.set(name, machine);
    this.#there = new Set(look.machines.keys());
    return look;
  }

  /** All that were ever told of, in this life of OpsBot. */
  known(): ReadonlyMap<string, Machine> {
    return this.#known;
  }

  /** It is no more, unless it is told of again. */
  forget(name: string): void {
    this.#known.delete(name);
  }

  /** Those that answered the last time. */
  there(): ReadonlySet<string> {
    return this.#there;
  }
}

/** Of the others nobody knows. */
export function onMachinesThere<T extends { machine: string }>(
  all: readonly T[],
  { machines }: Look,
): T[] {
  return all.filter(({ machine }) => machines.has(machine));
}

/** Asks all of them. */
export async function lookAtMachines({ agents }: Pick<Network, "agents">): Promise<Look> {
  const away = new Map<string, string>();
  const answers = await Promise.all(
    [...agents].map(async ([agent, client]) => {
      try {
        return [{ agent, status: await client.getStatus({}, LIMITED) }];
      } catch (error) {
        away.set(agent, messageOf(error));
        return [];
      }
    }),
  );
  const told = answers.flat();
  const machines = told.flatMap(({ agent, status }) => machinesOf(agent, status));
  return {
    away,
    machines: new Map(machines.map((machine) => [machine.name, machine])),
    edges: told.flatMap(({ status }) => status.edges),
    segments: told.flatMap(({ status }) => status.segments),
    tunnels: told.flatMap(({ status }) => tunnelsOf(status)),
  };
}

/** An older node-agent tells only the names. */
function machinesOf(agent: string, { machines, machineStates }: GetStatusResponse): Machine[] {
  return machines.map((name) => {
    const state = machineStates.find((one) => one.name === name);
    return {
      name,
      agent,
      site: state?.site ?? "",
      underlayAddress: state?.underlayAddress ?? "",
      publicHost: state?.publicHost || "localhost",
      viewerTls: state?.viewerTls ?? false,
      host: state?.host || "localhost",
      segmentRefusal: state?.segmentRefusal ?? "its node-agent does not tell",
      drivers: state?.drivers ?? [ContainerDriver.PROCESS],
      wireguardPublicKey: state?.wireguardPublicKey ?? "",
      firstPort: state?.firstPort ?? 0,
      lastPort: state?.lastPort ?? 0,
    };
  });
}

function tunnelsOf({ segments, foreignTunnels }: GetStatusResponse): Look["tunnels"] {
  return [
    ...segments.flatMap(({ segment }) => {
      if (!segment) return [];
      const { machine, vni, stitches } = segment;
      return [vni, ...stitches.map((stitch) => stitch.vni)].map((each) => ({
        machine,
        vni: each,
        isOwn: true,
      }));
    }),
    ...foreignTunnels.map(({ machine, vni }) => ({ machine, vni, isOwn: false })),
  ];
}
