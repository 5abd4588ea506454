/** The origin, as the settings name it. */
import { OperatorError } from "@glassline/service/errors";
import type { Identity } from "@glassline/service/identity";

import { edgeUpstream } from "../cluster/edge-upstream.ts";
import type { EdgeCacheConfig } from "../config.ts";
import { lazyUpstream } from "./lazy-upstream.ts";
import type { QuestionQueue } from "./question-queue.ts";
import { networkTrust, systemTrust } from "./trust.ts";
import type { Upstream } from "./upstream.ts";

/** Rejects with OperatorError. */
export async function openOrigin(
  config: EdgeCacheConfig,
  identity: Identity,
  questions: QuestionQueue,
): Promise<Upstream> {
  const url = originOf(config);
  const { originEdge: name, originTrust, originCa } = config;
  if (name !== "") return edgeUpstream({ name, url }, identity, questions);
  // Otherwise what was meant to be checked would not be.
  if (originTrust === "network" && !url.startsWith("https:"))
    refuse("origin", url, "https://HOST:PORT, as --origin-trust network needs it");
  const trust =
    originTrust === "network" ? networkTrust(identity, "origin") : await systemTrust(originCa);
  return lazyUpstream(url, trust, questions);
}

/** The configured origin without a path. */
function originOf({ origin }: EdgeCacheConfig): string {
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.pathname === "/" && url.search === "")
    return url.origin;
  return refuse("origin", origin, "http://HOST:PORT or https://HOST:PORT");
}

function refuse(flag: string, got: string, expected: string): never {
  throw new OperatorError(`--${flag}: got ${JSON.stringify(got)}, expected ${expected}`);
}
