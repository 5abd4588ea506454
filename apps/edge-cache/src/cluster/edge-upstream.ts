/** Asks another edge, known by its certificate, at its cluster port: a member of the cluster, or the shield. */
import type { Identity } from "@glassline/service/identity";

import { lazyUpstream } from "../upstream/lazy-upstream.ts";
import type { QuestionQueue } from "../upstream/question-queue.ts";
import { networkTrust } from "../upstream/trust.ts";
import type { Upstream } from "../upstream/upstream.ts";

/** Longer than its own patience with the origin. */
const BODY_TIMEOUT_MS = 12_000;

/** The same as `httpUpstream`. */
export function edgeUpstream(
  { name, url }: { name: string; url: string },
  identity: Identity,
  questions: QuestionQueue,
): Upstream {
  return lazyUpstream(url, networkTrust(identity, "edge-cache", name), questions, BODY_TIMEOUT_MS);
}
