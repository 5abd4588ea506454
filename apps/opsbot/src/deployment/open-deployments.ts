/** Deployments as they are configured. */
import type { Clock } from "@glassline/service/clock";

import type { OpsBotConfig } from "../config.ts";
import type { DesiredState } from "../actions/desired-state.ts";
import { Lately } from "../lately.ts";
import type { Network } from "../network.ts";
import { LIMITED } from "../network.ts";
import type { Journal } from "../stores/journal.ts";
import { Turns } from "../stores/turns.ts";
import type { Vnis } from "../vnis/vnis.ts";
import { cachesOf } from "./caches.ts";
import type { DeploymentParts } from "./parts.ts";
import type { Registrar } from "./registrar.ts";

/** All channels are compared with what enrolment has at about the same time. */
const ENROLLED_MS = 250;

export interface OpenDeploymentsDeps {
  network: Pick<Network, "enrolment" | "edges">;
  clock: Pick<Clock, "monotonicMs">;
  journal: Journal;
  vnis: Vnis;
  desired: Pick<DesiredState, "configured">;
  registrar: Registrar;
  watch: () => Promise<void>;
  forgetMachine: (name: string) => void;
}

export function openDeployments(
  config: Pick<OpsBotConfig, "deployOrigin" | "allowedOrigin" | "accessLog" | "edgeToken">,
  {
    network: { enrolment, edges },
    clock,
    journal,
    vnis,
    desired,
    registrar,
    watch,
    forgetMachine,
  }: OpenDeploymentsDeps,
): DeploymentParts {
  const ask = async () => enrolment?.getStatus({}, LIMITED);
  return {
    journal,
    vnis,
    layouts: new Turns(),
    registrar,
    enrolment,
    enrolled: new Lately(ask, { forMs: ENROLLED_MS, clock }),
    edges,
    authorization: `Bearer ${config.edgeToken}`,
    origins: originsOf(config, desired),
    configuredEdges: desired.configured?.edges ?? [],
    allowedOrigins: config.allowedOrigin,
    caches: cachesOf(config.accessLog),
    watch,
    forgetMachine,
  };
}

/** Where none is configured, that of the edges that are. */
function originsOf(
  { deployOrigin }: Pick<OpsBotConfig, "deployOrigin">,
  { configured }: Pick<DesiredState, "configured">,
) {
  if (deployOrigin.length > 0) return deployOrigin;
  const [edge] = configured?.edges ?? [];
  return edge ? [{ name: "origin", url: edge.originUrl }] : [];
}
