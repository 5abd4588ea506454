/** Whether an edge answers that it is ready, however it is run. */
import type { EdgeSpec } from "@glassline/proto/node";

import { adminHostOf } from "../core/edge-command.ts";

const TIMEOUT_MS = 1_000;

export async function isReady(spec: EdgeSpec): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(`http://${adminHostOf(spec)}:${spec.adminPort}/readyz`, {
      signal,
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
