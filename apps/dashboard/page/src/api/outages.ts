import type { GetOverviewResponse, ServiceState } from "@glassline/proto/dashboard";

import { clock, millisecondsOf } from "../format/time.ts";
import type { Polled } from "./use-poll.ts";

/** A service that does not answer, for people. */
export interface Outage {
  key: string;
  /** Who is away, for the title of the window. */
  name: string;
  title: string;
  meaning: string;
  detail: string;
}

const NAMES = new Intl.ListFormat("en");

/** What is missing at present, the most important first. `hasValues`: whether the page shows anything that was measured. */
export function outagesOf(overview: Polled<GetOverviewResponse>, hasValues: boolean): Outage[] {
  if (overview.error) return [dashboardOutage(overview)];
  return (overview.data?.services ?? [])
    .filter((service) => !service.reachable)
    .map((service) => serviceOutage(service, overview.data!, hasValues))
    .toSorted((left, right) => rankOf(left.key) - rankOf(right.key));
}

/** The longer the way from a kind to what people look at, the later it is named. */
const KIND_ORDER = [
  "collector",
  "origin",
  "edge-cache",
  "node-agent",
  "opsbot",
  "mesh-node",
  "enrolment",
  "kme",
];

function rankOf(key: string): number {
  const rank = KIND_ORDER.indexOf(key.slice(0, key.indexOf(":")));
  return rank < 0 ? KIND_ORDER.length : rank;
}

function dashboardOutage({ error, failingSinceMs, receivedMs }: Polled<unknown>): Outage {
  const since = receivedMs ?? failingSinceMs ?? Date.now();
  return {
    key: "dashboard",
    name: "dashboard",
    title: `The dashboard's own server does not answer since ${clock(since)}.`,
    meaning: receivedMs
      ? "Everything below is from before that. Cameras, mesh and collector may be well."
      : "This page asks again every second. Cameras, mesh and collector may be well.",
    detail: error?.message ?? "",
  };
}

function serviceOutage(
  service: ServiceState,
  overview: GetOverviewResponse,
  hasValues: boolean,
): Outage {
  const subject = subjectOf(service);
  const since = service.sinceUnixNano
    ? ` since ${clock(millisecondsOf(service.sinceUnixNano))}`
    : "";
  return {
    key: `${service.kind}:${service.name}`,
    name: service.name,
    title: `${subject} does not answer${since}.`,
    meaning: meaningOf(service, overview, hasValues),
    detail: service.error,
  };
}

function subjectOf({ name, kind }: ServiceState): string {
  if (name !== kind) return name;
  if (kind === "enrolment") return "The enrolment service";
  return kind === "opsbot" ? "OpsBot" : `The ${name}`;
}

/** Only gateways have a disk; agents hold a bounded number of reports in memory. */
export const NO_GATEWAY = "No gateway answers: cameras keep what they can in memory.";

/** What goes on and what does not, for kinds whose absence means the same whatever else is the case. */
const MEANINGS: Readonly<Record<string, string>> = {
  camera: "Nothing new comes from its cameras.",
  origin: "Nothing new can be fetched; edges serve what they have.",
  "node-agent": "Edges go on; nothing restarts them if they end.",
  opsbot: "Edges go on; nobody watches or repairs them.",
  kme: "Its links get no new quantum keys; they go on with post-quantum ones.",
  enrolment: "Who watches goes on; no phone can be enrolled, and watch pages do not open.",
};

function meaningOf(
  service: ServiceState,
  overview: GetOverviewResponse,
  hasValues: boolean,
): string {
  if (service.kind === "collector") return collectorMeaning(overview, hasValues);
  if (service.kind === "mesh-node") return meshMeaning(overview);
  if (service.kind === "edge-cache") return edgeMeaning(overview);
  return MEANINGS[service.kind] ?? "";
}

function collectorMeaning(overview: GetOverviewResponse, hasValues: boolean): string {
  return [
    hasValues && "Values below are from before that.",
    hasGateway(overview) &&
      "Gateways keep new measurements on disk and hand them over when it is back.",
  ]
    .filter(Boolean)
    .join(" ");
}

function meshMeaning(overview: GetOverviewResponse): string {
  if (!hasGateway(overview)) return NO_GATEWAY;
  const egresses = overview.nodes.map((node) => node.gateway?.egress).filter(Boolean);
  if (egresses.length === 0)
    return "No way to the collector is in use: gateways keep measurements on disk.";
  return `Measurements go by another way, over ${egresses.join(", ")}.`;
}

function edgeMeaning({ services }: GetOverviewResponse): string {
  const others = services.filter(({ kind, reachable }) => kind === "edge-cache" && reachable);
  if (others.length === 0) return "No edge answers: viewers get no picture.";
  return `Its viewers move to ${NAMES.format(others.map(({ name }) => name))}.`;
}

function hasGateway({ nodes }: GetOverviewResponse): boolean {
  return nodes.some((node) => node.gateway);
}
