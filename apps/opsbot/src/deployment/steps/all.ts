/** The steps, in their order. */
import { cache } from "./cache.ts";
import { clients } from "./clients.ts";
import { configuration } from "./configuration.ts";
import { containers } from "./containers.ts";
import { monitoring } from "./monitoring.ts";
import { overlay } from "./overlay.ts";
import type { Step } from "./step.ts";

export const STEPS: readonly Step[] = [
  configuration,
  overlay,
  containers,
  monitoring,
  cache,
  clients,
];
