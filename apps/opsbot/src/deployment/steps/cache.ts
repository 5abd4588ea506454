/** Step 5: caches are filled with what is popular, and tried by a load that behaves like viewers. */
import type { Step } from "./step.ts";

export const cache: Step = {
  name: "cache",
  // Whether a channel keeps its promise from then on is the monitoring's matter.
  lacks: async () => [],
  run: async (work) => {
    const { parts, deployment } = work;
    const seeded = await parts.caches.seed(work);
    const report = await parts.caches.validate(work);
    await parts.journal.transact(({ deployments }) =>
      deployments.change(deployment.channel, { report }),
    );
    if (!report.passed) throw new Error(report.shortfalls.join("; "));
    const { hitRate, firstByteP99Ms, requests, errors } = report;
    return {
      says: `${seeded}; test load: ${(100 * hitRate).toFixed(1)} % hits, first byte p99 ${Math.round(firstByteP99Ms)} ms, ${errors} of ${requests} requests failed`,
    };
  },
  undo: async () => ({ skipped: "caches go with their edges" }),
};
