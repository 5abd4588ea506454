/** An upstream whose client is loaded when it is needed first: it takes longer than a start from disk. */
import type { Identity, Role } from "@glassline/service/identity";

import type { QuestionQueue } from "./question-queue.ts";
import type { Upstream } from "./upstream.ts";

/** The same as `httpUpstream`. */
export function lazyUpstream(
  origin: string,
  identity: Identity,
  questions: QuestionQueue,
  peer?: { role: Role; instance?: string },
  bodyTimeoutMs?: number,
): Upstream {
  let loading: Promise<Upstream> | undefined;
  const load = async () => {
    const { httpUpstream } = await import("./http-upstream.ts");
    return httpUpstream(origin, identity, questions, peer, bodyTimeoutMs);
  };
  return {
    asksOrigin: () => true,
    open: async (request) => (await (loading ??= load())).open(request),
    [Symbol.asyncDispose]: async () => (await loading)?.[Symbol.asyncDispose](),
  };
}
