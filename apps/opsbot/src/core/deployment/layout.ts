/** From a description to what each machine shall have: edges and segments, with their ports and addresses. Pure. */
import { create } from "@bufbuild/protobuf";
import type { EdgeSpec, SetDesiredStateRequest } from "@glassline/proto/node";
import {
  ContainerDriver,
  EdgeSpecSchema,
  SetDesiredStateRequestSchema,
} from "@glassline/proto/node";

import type { Subnet } from "./addresses.ts";
import { inUrl, numbered, withoutPrefix } from "./addresses.ts";
import type { Description } from "./description.ts";
import type { Machine } from "./machine.ts";
import { LayoutError } from "./layout-error.ts";
import type { Service } from "./overlay-layout.ts";
import { hostOfService, membersOf, overlayOf } from "./overlay-layout.ts";
import { portsFor } from "./ports.ts";

/** What a channel keeps for as long as it is there, so that nothing changes its place without need. */
export interface Kept {
  /** Number of the edge that a machine of the description has: of "harbour-2". */
  slots: Readonly<Record<string, number>>;
  /** Of machines in the overlay's network, and of services, as `hostOfService` calls them. */
  hosts: Readonly<Record<string, number>>;
  /** By machine that is away: the one that has its edge meanwhile. */
  substitutes: Readonly<Record<string, string>>;
  /** Machines that are away: none of them joins sites. */
  away: readonly string[];
  /** By edge: where it is administered, "192.0.2.1:7601". */
  administration: Readonly<Record<string, string>>;
  /** Under which its VNIs are in the store. */
  owners: readonly string[];
  /** That were ever told of its overlay: until each of them is without it, nobody else gets its VNIs. */
  overlayMachines: readonly string[];
  /** Of its overlay; undefined: it has none. */
  subnet?: string;
  /** Of what was live the last time, while something else is tried. */
  live?: Omit<Kept, "live">;
}

export const NOTHING_KEPT: Kept = {
  slots: {},
  hosts: {},
  substitutes: {},
  away: [],
  administration: {},
  owners: [],
  overlayMachines: [],
};

export interface LayoutFacts {
  description: Description;
  machines: ReadonlyMap<string, Machine>;
  /** By site, and "" of what joins the sites. None without an overlay. */
  vnis: ReadonlyMap<string, number>;
  subnet: Subnet | undefined;
  kept: Kept;
  /** What it has now: ports stay where they can. */
  before: SetDesiredStateRequest | undefined;
  /** Its edges as they were told and as they are, also those that leave: their ports are theirs until they have gone. */
  there: readonly EdgeSpec[];
  /** That edges of others have, by agent. */
  takenPorts: ReadonlyMap<string, ReadonlySet<number>>;
  originUrl: string;
  /** Of pages that may play from its edges. */
  allowedOrigins: readonly string[];
  /** Of viewers' tokens; empty: they need none. */
  tokenKeys: string;
}

export interface Layout {
  /** Without a fencing token. */
  wish: SetDesiredStateRequest;
  kept: Kept;
  services: readonly Service[];
}

/** An edge and where it is. */
export interface Place {
  name: string;
  machine: Machine;
  isShield: boolean;
}

const DRIVERS = {
  process: ContainerDriver.PROCESS,
  runc: ContainerDriver.RUNC,
  docker: ContainerDriver.DOCKER,
  apple: ContainerDriver.APPLE,
} as const;

/** Throws LayoutError. */
export function layoutOf(facts: LayoutFacts): Layout {
  const { description, kept } = facts;
  const slots = numbered(description.machines, new Map(Object.entries(kept.slots)));
  const places = placesOf(facts, slots);
  for (const { machine } of places) checkMachine(machine, facts);
  const holders = [...new Set(places.map(({ machine }) => machine.name))];
  const members = membersOf(holders, facts);
  const named = facts.subnet ? Object.keys(description.overlay.services) : [];
  const hosts = numbered(
    [...members, ...named.map(hostOfService)],
    new Map(Object.entries(kept.hosts)),
  );
  const { addresses, segments, services } = overlayOf(members, hosts, facts);
  const ports = portsFor(places, facts);
  const edges = places.map((place) => edgeOf(place, { places, ports, addresses, facts }));
  return {
    services,
    wish: create(SetDesiredStateRequestSchema, { edges, segments: [...segments] }),
    kept: {
      ...kept,
      ...(facts.subnet && { subnet: facts.subnet.text }),
      slots: Object.fromEntries(slots),
      hosts: Object.fromEntries(hosts),
      administration: {
        // Those that leave are drained first.
        ...kept.administration,
        ...Object.fromEntries(
          places.map(({ name, machine }) => [
            name,
            `${inUrl(machine.host)}:${ports.get(name)! + 1}`,
          ]),
        ),
      },
    },
  };
}

/** The machines that a description needs: of its edges, as far as they are not away. */
function placesOf(
  { description, machines, kept }: LayoutFacts,
  slots: ReadonlyMap<string, number>,
): Place[] {
  const { channel, shield } = description;
  const machineOf = (described: string) => {
    const name = kept.substitutes[described] ?? described;
    const machine = machines.get(name);
    if (machine) return machine;
    const known = [...machines.keys()].toSorted().join(", ") || "none";
    throw new LayoutError(
      `machines: got ${name}, which no node-agent tells of; there are: ${known}`,
    );
  };
  const edges = description.machines.map((described) => ({
    name: `${channel}-${slots.get(described)}`,
    machine: machineOf(described),
    isShield: false,
  }));
  if (shield === undefined) return edges;
  return [{ name: `${channel}-shield`, machine: machineOf(shield), isShield: true }, ...edges];
}

function checkMachine(machine: Machine, { description }: LayoutFacts): void {
  const { name, segmentRefusal, drivers, underlayAddress, wireguardPublicKey } = machine;
  const { overlay, container } = description;
  if (overlay.kind === "vxlan") {
    if (segmentRefusal !== "")
      throw new LayoutError(
        `overlay: ${name} can have no segments: ${segmentRefusal}. On one machine say overlay: {kind: none}`,
      );
    if (underlayAddress === "")
      throw new LayoutError(
        `overlay: ${name} tells no address for tunnels: its node-agent needs --underlay-address`,
      );
    if (overlay.encrypted && wireguardPublicKey === "")
      throw new LayoutError(`overlay.encrypted: ${name} has no WireGuard`);
  }
  if (!drivers.includes(DRIVERS[container.driver]))
    throw new LayoutError(`container.driver: ${name} cannot run ${container.driver}`);
}

interface Surroundings {
  places: readonly Place[];
  ports: ReadonlyMap<string, number>;
  /** In the overlay, with prefix, by machine; none without an overlay. */
  addresses: ReadonlyMap<string, string>;
  facts: LayoutFacts;
}

/** Its four ports follow each other: viewers, administration, health, cluster. */
function edgeOf(place: Place, { places, ports, addresses, facts }: Surroundings): EdgeSpec {
  const { description, originUrl, allowedOrigins, tokenKeys } = facts;
  const { name, machine, isShield } = place;
  const port = ports.get(name)!;
  const shield = places.find((one) => one.isShield);
  const insideOf = (machineName: string) => withoutPrefix(addresses.get(machineName) ?? "");
  const clusterUrl = (one: Place) =>
    `https://${inUrl(insideOf(one.machine.name) || one.machine.host)}:${ports.get(one.name)! + 3}`;
  const others = places.filter((one) => one !== place && !one.isShield && !isShield);
  return create(EdgeSpecSchema, {
    name,
    machine: machine.name,
    host: machine.publicHost === "localhost" ? "" : "0.0.0.0",
    port,
    grpcPort: port + 1,
    adminPort: port + 2,
    clusterPort: port + 3,
    clusterHost: insideOf(machine.name),
    publicUrl: publicUrlOf(place, ports),
    viewerTls: machine.viewerTls,
    originUrl: shield && !isShield ? clusterUrl(shield) : originUrl,
    shield: shield && !isShield ? shield.name : "",
    shielded: isShield ? places.flatMap((one) => (one.isShield ? [] : [one.name])) : [],
    ...cacheOf(description),
    generation: 1n,
    allowedOrigins: [...allowedOrigins],
    segment: addresses.size > 0 ? description.channel : "",
    channel: description.channel,
    protectedPaths: tokenKeys === "" || isShield ? [] : [folderOf(description.source)],
    tokenKeys: isShield ? "" : tokenKeys,
    container: containerOf(description),
    restart: {
      pauseMs: description.restart.pause,
      pauseMaxMs: description.restart.pauseMax,
      attemptsMax: description.restart.attempts,
    },
    peers: others.map((one) => ({
      name: one.name,
      publicUrl: publicUrlOf(one, ports),
      clusterUrl: clusterUrl(one),
    })),
  });
}

function publicUrlOf({ name, machine }: Place, ports: ReadonlyMap<string, number>): string {
  const scheme = machine.viewerTls ? "https" : "http";
  return `${scheme}://${inUrl(machine.publicHost)}:${ports.get(name)}`;
}

/** "/live/cam-0001/" of "/live/cam-0001/index.m3u8". */
export const folderOf = (path: string) => path.slice(0, path.lastIndexOf("/") + 1);

function cacheOf({ cache }: Description) {
  const { memory, disk = 0, accessLog, clientRate, blockingLifetime } = cache;
  return {
    storeMaxBytes: BigInt(memory),
    diskMaxBytes: BigInt(disk),
    accessLogShare: accessLog,
    clientRate,
    ...(blockingLifetime !== undefined && { blockingLifetimeMs: blockingLifetime }),
  };
}

function containerOf({ container }: Description) {
  const { driver, image, memory, cpus, tasks } = container;
  return {
    driver: DRIVERS[driver],
    image,
    memoryMaxBytes: BigInt(memory ?? 0),
    cpuMillis: Math.round((cpus ?? 0) * 1_000),
    tasksMax: tasks ?? 0,
  };
}
