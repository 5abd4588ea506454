/** An upstream whose client is loaded when it is needed first: it takes longer than a start from disk. */
import type { QuestionQueue } from "./question-queue.ts";
import type { Trust } from "./trust.ts";
import type { Upstream } from "./upstream.ts";

/** The same as `httpUpstream`. */
export function lazyUpstream(
  origin: string,
  trust: Trust,
  questions: QuestionQueue,
  bodyTimeoutMs?: number,
): Upstream {
  let loading: Promise<Upstream> | undefined;
  const load = async () => {
    const { httpUpstream } = await import("./http-upstream.ts");
    return httpUpstream(origin, trust, questions, bodyTimeoutMs);
  };
  return {
    asksOrigin: () => true,
    open: async (request) => (await (loading ??= load())).open(request),
    [Symbol.asyncDispose]: async () => (await loading)?.[Symbol.asyncDispose](),
  };
}
