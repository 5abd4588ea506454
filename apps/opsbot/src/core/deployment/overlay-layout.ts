/** The segments of a channel's overlay: one a machine; sites are joined by one gateway each. Pure. */
import { create } from "@bufbuild/protobuf";
import type { Segment, SegmentPeer } from "@glassline/proto/node";
import { SegmentPeerSchema, SegmentSchema } from "@glassline/proto/node";

import type { Subnet } from "./addresses.ts";
import { hostOf, withoutPrefix } from "./addresses.ts";
import { LayoutError } from "./layout-error.ts";
import type { LayoutFacts } from "./layout.ts";
import type { Machine } from "./machine.ts";

/** What joins the sites, among their VNIs. */
export const CORE = "";

/** No machine is called so. */
export const hostOfService = (service: string) => `service ${service}`;

export interface Overlay {
  /** With prefix, by machine. */
  addresses: ReadonlyMap<string, string>;
  segments: readonly Segment[];
  services: readonly Service[];
}

/** At present. */
export interface Service {
  name: string;
  machine: string;
  /** With prefix. */
  address: string;
}

/** Sites of these machines, in the order in which they are named. */
export function sitesOf(
  names: readonly string[],
  machines: LayoutFacts["machines"],
): Map<string, string[]> {
  return Map.groupBy(names, (name) => machines.get(name)?.site ?? "");
}

/** @param hosts numbers of its members and services in the overlay's network. Throws LayoutError. */
export function overlayOf(
  members: readonly string[],
  hosts: ReadonlyMap<string, number>,
  facts: LayoutFacts,
): Overlay {
  const { subnet, machines, vnis, description } = facts;
  if (!subnet) return { addresses: new Map(), segments: [], services: [] };
  const addresses = new Map(members.map((name) => [name, hostOf(subnet, hosts.get(name)!)]));
  const sites = sitesOf(members, machines);
  const gateways = sites.size > 1 ? gatewaysOf(sites, facts) : new Map<string, string>();
  const services = servicesOf(subnet, hosts, facts);
  const at = { facts, addresses, services, sites, gateways };
  const segments = members.map((name) => {
    const machine = machines.get(name)!;
    const isGateway = gateways.get(machine.site) === name;
    return create(SegmentSchema, {
      name: description.channel,
      machine: name,
      vni: vnis.get(sites.size > 1 ? machine.site : [...sites.keys()][0]!)!,
      mtu: description.overlay.mtu ?? 0,
      address: addresses.get(name)!,
      underlayAddress: machine.underlayAddress,
      encrypted: description.overlay.encrypted,
      serviceAddresses: servicesAt(services, name),
      peers: peersOf(machine, at),
      stitches: isGateway
        ? [
            {
              vni: vnis.get(CORE)!,
              underlayAddress: machine.underlayAddress,
              peers: coreOf(machine, at),
            },
          ]
        : [],
    });
  });
  return { addresses, segments, services };
}

function servicesOf(
  subnet: Subnet,
  hosts: ReadonlyMap<string, number>,
  { description, kept }: LayoutFacts,
): Service[] {
  return Object.entries(description.overlay.services).map(([name, described]) => ({
    name,
    machine: kept.substitutes[described] ?? described,
    address: hostOf(subnet, hosts.get(hostOfService(name))!),
  }));
}

const servicesAt = (services: readonly Service[], machine: string): string[] =>
  services.flatMap((one) => (one.machine === machine ? [one.address] : []));

interface Surroundings {
  facts: LayoutFacts;
  addresses: ReadonlyMap<string, string>;
  services: readonly Service[];
  sites: ReadonlyMap<string, readonly string[]>;
  /** By site. */
  gateways: ReadonlyMap<string, string>;
}

/** Machines of its site; by the gateway everybody else is reached, too. */
function peersOf(machine: Machine, at: Surroundings): SegmentPeer[] {
  const others = at.sites.get(machine.site)!.filter((name) => name !== machine.name);
  return others.map((name) => {
    const isGateway = at.gateways.get(machine.site) === name;
    const beyond = isGateway
      ? [...at.sites].flatMap(([site, names]) => (site === machine.site ? [] : names))
      : [];
    return peerOf(name, beyond, at);
  });
}

/** The gateways of the other sites, and who is behind them. */
function coreOf(machine: Machine, at: Surroundings): SegmentPeer[] {
  return [...at.gateways]
    .filter(([site]) => site !== machine.site)
    .map(([site, name]) =>
      peerOf(
        name,
        at.sites.get(site)!.filter((other) => other !== name),
        at,
      ),
    );
}

function peerOf(name: string, beyond: readonly string[], at: Surroundings) {
  const { facts, addresses, services } = at;
  const machine = facts.machines.get(name)!;
  const inside = (of: string) => withoutPrefix(addresses.get(of)!);
  const servicesOn = (of: string) => servicesAt(services, of).map(withoutPrefix);
  return create(SegmentPeerSchema, {
    name,
    underlayAddress: machine.underlayAddress,
    address: inside(name),
    also: [...servicesOn(name), ...beyond.flatMap((each) => [inside(each), ...servicesOn(each)])],
    wireguardPublicKey: facts.description.overlay.encrypted ? machine.wireguardPublicKey : "",
  });
}

/** Machines of an overlay: those that have an edge, and gateways, which need none. */
export function membersOf(
  holders: readonly string[],
  { description, machines, kept, subnet }: LayoutFacts,
): readonly string[] {
  const sites = sitesOf(holders, machines);
  if (!subnet || sites.size < 2) return holders;
  const named = Object.values(description.overlay.gateways ?? {}).flat();
  const there = named.filter((name) => {
    const site = machines.get(name)?.site;
    return site !== undefined && sites.has(site) && !kept.away.includes(name);
  });
  return [...new Set([...holders, ...there])];
}

function gatewaysOf(
  sites: ReadonlyMap<string, readonly string[]>,
  { description, kept }: LayoutFacts,
): Map<string, string> {
  return new Map(
    [...sites].map(([site, names]) => {
      const wished = description.overlay.gateways?.[site] ?? names;
      const gateway = wished.find((name) => names.includes(name) && !kept.away.includes(name));
      if (gateway !== undefined) return [site, gateway];
      throw new LayoutError(
        `overlay.gateways: got none of site ${JSON.stringify(site)} that is there, expected one of ${wished.join(", ")}`,
      );
    }),
  );
}
