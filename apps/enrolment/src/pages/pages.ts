/** What all routes of phones need, and the answers that they share. */
import type { Clock } from "@glassline/service/clock";
import { clientOf } from "@glassline/service/client-address";
import type { Logger } from "@glassline/service/logger";
import { RequestRates } from "@glassline/service/request-rates";
import type { FastifyReply, FastifyRequest } from "fastify";

import type { AssetPaths } from "../core/html.ts";
import type { Problem } from "../core/problem-page.ts";
import { PROBLEMS, problemPage } from "../core/problem-page.ts";
import type { Enrolments } from "../enrolments.ts";
import type { Materials } from "../materials.ts";
import type { EnrolmentMetrics } from "../metrics.ts";
import type { ProfileSigner } from "../signing/profile-signer.ts";
import type { WatchingDeps } from "../watching.ts";
import { PAGE_POLICY } from "./headers.ts";

/** Clients whose requests are counted apart. */
const CLIENTS_MAX = 100_000;

export interface PageDeps extends WatchingDeps {
  enrolments: Enrolments;
  materials: Materials;
  signer: ProfileSigner;
  /** Phones know who signed a profile. */
  isSignerPublic: boolean;
  isOverTls: boolean;
  clientRate: number;
  clientBurst: number;
  paths: AssetPaths;
  clock: Clock;
  logger: Logger;
  metrics: EnrolmentMetrics;
}

export function sendPage(
  reply: FastifyReply,
  status: number,
  text: string,
  policy = PAGE_POLICY,
): FastifyReply {
  return reply
    .code(status)
    .header("content-type", "text/html; charset=utf-8")
    .header("content-security-policy", policy)
    .send(text);
}

export function sendProblem(
  reply: FastifyReply,
  problem: Problem,
  { paths, metrics }: PageDeps,
): FastifyReply {
  metrics.refused.inc({ reason: problem });
  return sendPage(reply, PROBLEMS[problem].status, problemPage(problem, paths));
}

/** A hook that refuses clients who ask too often. */
export function rateLimit(deps: PageDeps) {
  const { clientRate: perSecond, clientBurst: burst, clock } = deps;
  const rates = new RequestRates<string>({ perSecond, burst, clientsMax: CLIENTS_MAX });
  return async ({ ip }: FastifyRequest, reply: FastifyReply) => {
    const waitMs = rates.take(clientOf(ip), clock.monotonicMs());
    if (waitMs === 0) return undefined;
    void reply.header("retry-after", String(Math.ceil(waitMs / 1_000)));
    return sendProblem(reply, "too_many", deps);
  };
}
