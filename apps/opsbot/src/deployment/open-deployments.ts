/** Deployments as they are configured. */

import type { OpsBotConfig } from "../config.ts";
import type { DesiredState } from "../actions/desired-state.ts";
import type { Network } from "../network.ts";
import type { Journal } from "../stores/journal.ts";
import type { Vnis } from "../vnis/vnis.ts";
import { cachesOf } from "./caches.ts";
import type { DeploymentParts } from "./parts.ts";
import type { Registrar } from "./registrar.ts";

export interface OpenDeploymentsDeps {
  network: Network;
  journal: Journal;
  vnis: Vnis;
  desired: Pick<DesiredState, "configured">;
  registrar: Registrar;
  watch: () => Promise<void>;
}

export function openDeployments(
  config: Pick<OpsBotConfig, "deployOrigin" | "allowedOrigin" | "accessLog">,
  { network, journal, vnis, desired, registrar, watch }: OpenDeploymentsDeps,
): DeploymentParts {
  return {
    journal,
    vnis,
    registrar,
    enrolment: network.enrolment,
    origins: originsOf(config, desired),
    configuredEdges: desired.configured?.edges ?? [],
    allowedOrigins: config.allowedOrigin,
    caches: cachesOf(config.accessLog),
    watch,
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
