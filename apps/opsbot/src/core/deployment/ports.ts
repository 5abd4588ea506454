/** Ports of edges: four that follow each other, which stay with an edge. Pure. */
import type { EdgeSpec } from "@glassline/proto/node";

import type { Place, LayoutFacts } from "./layout.ts";
import { LayoutError } from "./layout-error.ts";

/** Viewers, administration, health, cluster. */
const PORTS_AN_EDGE = 4;

/** @returns the first port of each edge, by its name. Throws LayoutError. */
export function portsFor(
  places: readonly Place[],
  { before, there, takenPorts, machines }: LayoutFacts,
): Map<string, number> {
  const ports = new Map<string, number>();
  const taken = new Map([...takenPorts].map(([agent, all]) => [agent, new Set(all)]));
  const takenOf = (agent: string) => {
    const known = taken.get(agent) ?? new Set();
    taken.set(agent, known);
    return known;
  };
  const agentOf = (machine: string) => machines.get(machine)?.agent;
  const take = ({ name, machine: { agent } }: Place, port: number) => {
    ports.set(name, port);
    for (let at = 0; at < PORTS_AN_EDGE; at++) takenOf(agent).add(port + at);
  };
  for (const edge of there) {
    const agent = agentOf(edge.machine);
    const isLeaving = !places.some((one) => one.name === edge.name && one.machine.agent === agent);
    if (agent !== undefined && isLeaving)
      for (const port of portsOf(edge)) takenOf(agent).add(port);
  }
  for (const place of places) {
    const known = before?.edges.find(({ name }) => name === place.name);
    const stays = known && agentOf(known.machine) === place.machine.agent;
    if (stays && isFree(known.port, takenOf(place.machine.agent))) take(place, known.port);
  }
  for (const place of places)
    if (!ports.has(place.name)) take(place, firstFree(place, takenOf(place.machine.agent)));
  return ports;
}

export const portsOf = ({ port, grpcPort, adminPort, clusterPort }: EdgeSpec) => [
  port,
  grpcPort,
  adminPort,
  clusterPort,
];

function firstFree({ name, machine }: Place, taken: ReadonlySet<number>): number {
  const { firstPort, lastPort } = machine;
  for (let port = firstPort; port + PORTS_AN_EDGE - 1 <= lastPort; port += PORTS_AN_EDGE)
    if (isFree(port, taken)) return port;
  throw new LayoutError(
    `ports: none are left for ${name} on ${machine.name}, expected four of ${firstPort} to ${lastPort} (--edge-ports of its node-agent)`,
  );
}

function isFree(port: number, taken: ReadonlySet<number>): boolean {
  return Array.from({ length: PORTS_AN_EDGE }, (_, at) => port + at).every(
    (each) => !taken.has(each),
  );
}
