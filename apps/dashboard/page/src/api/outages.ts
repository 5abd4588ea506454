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

/** What is missing at present, the most important first. `hasValues`: whether the page shows anything that was measured. */
export function outagesOf(overview: Polled<GetOverviewResponse>, hasValues: boolean): Outage[] {
  if (overview.error) return [dashboardOutage(overview)];
  return (overview.data?.services ?? [])
    .filter((service) => !service.reachable)
    .map((service) => serviceOutage(service, overview.data!, hasValues))
    .toSorted((left, right) => rankOf(left.key) - rankOf(right.key));
}

function rankOf(key: string): number {
  return key.startsWith("collector:") ? 0 : key.startsWith("mesh-node:") ? 1 : 2;
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
  const subject = service.name === service.kind ? `The ${service.name}` : service.name;
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

/** Only gateways have a disk; agents hold a bounded number of reports in memory. */
export const NO_GATEWAY = "No gateway answers: cameras keep what they can in memory.";

function meaningOf(
  service: ServiceState,
  overview: GetOverviewResponse,
  hasValues: boolean,
): string {
  const gatewayAnswers = overview.nodes.some((node) => node.gateway);
  if (service.kind === "collector")
    return [
      hasValues && "Values below are from before that.",
      gatewayAnswers &&
        "Gateways keep new measurements on disk and hand them over when it is back.",
    ]
      .filter(Boolean)
      .join(" ");
  if (service.kind === "camera") return "Nothing new comes from its cameras.";
  if (!gatewayAnswers) return NO_GATEWAY;
  const egresses = overview.nodes.map((node) => node.gateway?.egress).filter(Boolean);
  if (egresses.length === 0)
    return "No way to the collector is in use: gateways keep measurements on disk.";
  return `Measurements go by another way, over ${egresses.join(", ")}.`;
}
