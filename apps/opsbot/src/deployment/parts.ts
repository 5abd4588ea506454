/** What deployments are made with. */
import type { EnrolmentService, GetStatusResponse } from "@glassline/proto/enrolment";
import type { EdgeSpec } from "@glassline/proto/node";
import type { ValidationReport } from "@glassline/proto/opsbot";
import type { Client } from "@glassline/proto/rpc";

import type { EffectDeps } from "../actions/effects.ts";
import type { Description } from "../core/deployment/description.ts";
import type { Lately } from "../lately.ts";
import type { Network } from "../network.ts";
import type { Deployment } from "../stores/deployments.ts";
import type { Journal } from "../stores/journal.ts";
import type { Turns } from "../stores/turns.ts";
import type { Vnis } from "../vnis/vnis.ts";
import type { Registrar } from "./registrar.ts";

export interface Origin {
  name: string;
  /** "https://localhost:7450" */
  url: string;
}

export interface DeploymentParts {
  journal: Journal;
  vnis: Vnis;
  /** One channel after the other is given its places on machines. */
  layouts: Turns;
  registrar: Registrar;
  /** Undefined: channels have no profiles. */
  enrolment: Client<typeof EnrolmentService> | undefined;
  /** What it told within the last moment. */
  enrolled: Pick<Lately<GetStatusResponse | undefined>, "get" | "forget">;
  /** That are watched, and what they are shown: "Bearer TOKEN". */
  edges: Network["edges"];
  authorization: string;
  /** That descriptions may name. */
  origins: readonly Origin[];
  /** That run without having been deployed. */
  configuredEdges: readonly EdgeSpec[];
  /** Of pages that may play from edges, beside those of enrolment. */
  allowedOrigins: readonly string[];
  caches: Caches;
  /** Edges that were deployed, or are no more, are watched as they are. */
  watch(): Promise<void>;
  /** A machine is no more: it is neither looked at nor acted on. */
  forgetMachine(name: string): void;
}

/** How caches are filled and tried. */
export interface Caches {
  /** @returns what was done, for people. Rejects when nothing could be fetched. */
  seed(work: Work): Promise<string>;
  /** Rejects only when the load cannot be run; what falls short is in the report. */
  validate(work: Work): Promise<ValidationReport>;
}

/** A deployment that is looked at. */
export interface Observed {
  deployment: Deployment;
  description: Description;
  parts: DeploymentParts;
}

/** A deployment with which something is done, in a term; as it was when the step began. */
export interface Begun {
  deployment: Deployment;
  parts: DeploymentParts;
  effects: EffectDeps;
  /** Of what is done now: another one for each wish. */
  idempotencyKey: string;
}

/** One that is being brought to what is wished. */
export interface Work extends Begun, Observed {}
