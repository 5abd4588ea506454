/** What a layout is made from: the description, the machines as they are, and what others have. */
import type { EdgeSpec } from "@glassline/proto/node";

import type { Kept, LayoutFacts } from "../core/deployment/layout.ts";
import { CORE, sitesOf } from "../core/deployment/overlay-layout.ts";
import { portsOf } from "../core/deployment/ports.ts";
import type { Look } from "../machines.ts";
import { LIMITED } from "../network.ts";
import type { Deployment } from "../stores/deployments.ts";
import type { Allocation } from "../vnis/vnis.ts";
import type { Observed, Origin } from "./parts.ts";

/** Of a VNI in the store: "harbour:site-a"; "harbour:" of what joins sites, and of all where there is one site. */
export const ownerOf = (channel: string, site: string) => `${channel}:${site}`;

/** Gives the VNI of a site, and with that of the core the overlay's network. */
export type Allocate = (
  site: string,
  isCore: boolean,
) => Promise<Pick<Allocation, "vni" | "ipv4" | "ipv6">>;

/**
 * Rejects when the description names what OpsBot does not have.
 * @param all channels that are deployed: what others have.
 */
export async function factsOf(
  { parts, description, deployment }: Observed,
  { machines, edges: seen }: Pick<Look, "machines" | "edges">,
  all: readonly Deployment[],
  allocate: Allocate,
): Promise<LayoutFacts> {
  const { url: originUrl } = originOf(description.origin, parts.origins);
  const enrolment = await enrolmentOf(parts, description);
  const others = all.filter(({ channel }) => channel !== deployment.channel);
  const edges = others.flatMap(({ goal, told }) => [...goal.edges, ...told.edges]);
  const running = seen.flatMap(({ spec, machine }) =>
    spec ? [{ ...spec, machine: machine || spec.machine }] : [],
  );
  const isOwn = ({ channel }: EdgeSpec) => channel === deployment.channel;
  return {
    description,
    machines,
    ...(await networkOf(description, deployment.kept, machines, allocate)),
    kept: deployment.kept,
    before: deployment.goal,
    there: [...deployment.goal.edges, ...deployment.told.edges, ...running.filter(isOwn)],
    // Also of those that nobody wishes any more, until they have gone.
    takenPorts: portsByAgent(
      [...parts.configuredEdges, ...edges, ...running.filter((one) => !isOwn(one))],
      machines,
    ),
    originUrl,
    allowedOrigins: [
      ...parts.allowedOrigins,
      ...(enrolment ? [new URL(enrolment.publicUrl).origin] : []),
    ],
    tokenKeys: enrolment?.tokenKeys ?? "",
  };
}

function originOf(name: string, origins: readonly Origin[]): Origin {
  const origin = name === "" ? origins[0] : origins.find((one) => one.name === name);
  if (origin) return origin;
  const known = origins.map((one) => one.name).join(", ") || "none: --deploy-origin tells them";
  throw new Error(`origin: got ${JSON.stringify(name)}, expected one of ${known}`);
}

async function enrolmentOf({ enrolment }: Observed["parts"], { clients }: Observed["description"]) {
  if (!clients) return undefined;
  if (!enrolment)
    throw new Error("clients: got some, expected none: this OpsBot was told of no --enrolment");
  return enrolment.getStatus({}, LIMITED);
}

async function networkOf(
  { overlay, machines: wished, shield }: Observed["description"],
  { substitutes }: Kept,
  machines: Look["machines"],
  allocate: Allocate,
): Promise<Pick<LayoutFacts, "vnis" | "subnet">> {
  if (overlay.kind === "none") return { vnis: new Map(), subnet: undefined };
  const core = await allocate(CORE, true);
  const described = [...wished, ...(shield === undefined ? [] : [shield])];
  const used = described.map((name) => substitutes[name] ?? name);
  const sites = [...sitesOf(used, machines).keys()];
  const vnis = new Map([[CORE, core.vni]]);
  for (const site of sites)
    vnis.set(site, sites.length > 1 ? (await allocate(site, false)).vni : core.vni);
  // A VNI that has IPv4 from before keeps it; what is wished counts.
  const ipv4 = overlay.ipv4 ? core.ipv4 : undefined;
  const subnet = { text: ipv4 ?? core.ipv6, isIpv4: ipv4 !== undefined };
  return { vnis, subnet };
}

/** Machines of one agent share its ports. */
function portsByAgent(
  edges: readonly EdgeSpec[],
  machines: Look["machines"],
): Map<string, Set<number>> {
  const ports = new Map<string, Set<number>>();
  for (const edge of edges) {
    const agent = machines.get(edge.machine)?.agent;
    if (agent === undefined) continue;
    const taken = ports.get(agent) ?? new Set();
    ports.set(agent, taken);
    for (const port of portsOf(edge)) taken.add(port);
  }
  return ports;
}
