/** The edges are the node-agent's children: the stack waits until they are there. */
import { OperatorError } from "@glassline/service/errors";

import type { Plan } from "./plan.ts";

const TIMEOUT_MS = 30_000;
const INTERVAL_MS = 100;

/** Resolves when all edges are ready. Fails with OperatorError. */
export async function edgesReady({ edges }: Plan, stopping?: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + TIMEOUT_MS;
  for (const { identity, adminPort } of edges) {
    for (;;) {
      if (stopping?.aborted || (await isReady(adminPort))) break;
      if (performance.now() > deadlineMs)
        throw new OperatorError(
          `${identity.instance} was not ready within ${TIMEOUT_MS / 1_000} s.`,
        );
      await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
    }
  }
}

async function isReady(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  );
}
