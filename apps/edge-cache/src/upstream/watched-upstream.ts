/** An origin of which is known whether it answered the last time. */
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import type { Upstream, UpstreamRequest } from "./upstream.ts";
import { UpstreamError } from "./upstream.ts";

export function watched(upstream: Upstream, logger: Logger) {
  const state = {
    reachable: true,
    asksOrigin: () => true,
    open: async (request: UpstreamRequest) => {
      try {
        const answer = await upstream.open(request);
        if (!state.reachable) logger.info("the origin answers again");
        state.reachable = true;
        return answer;
      } catch (error) {
        // Nobody waited any more: that says nothing of the origin.
        if (request.signal.aborted || isBusy(error)) throw error;
        if (state.reachable)
          logger.warn({ reason: messageOf(error) }, "the origin gives no answer");
        state.reachable = false;
        throw error;
      }
    },
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
  return state;
}

const isBusy = (error: unknown) => error instanceof UpstreamError && error.reason === "busy";
