/** The leader of several OpsBots is stopped or killed: until another one leads. */
import { progressOn } from "@glassline/bench/progress";
import { quantile } from "@glassline/bench/quantile";
import { about, report } from "@glassline/bench/report";

import { LEASE_TIMES } from "../src/stores/lease.ts";
import { torture } from "../torture/leaders/leaders.ts";

const BENCH = "takeover";
const REPLICAS = 3;
const SIZES = { full: { stops: 30, kills: 30 }, quick: { stops: 5, kills: 1 } } as const;

export async function measureTakeover(isQuick: boolean): Promise<void> {
  const { stops, kills } = isQuick ? SIZES.quick : SIZES.full;
  about(
    BENCH,
    `${REPLICAS} loops of OpsBot, a process each, with one PostgreSQL on the same machine; there is always one problem about which the leader does something, and calls and transactions take up to 60 ms longer than they would, so that it is often stopped in one. The leader is stopped by SIGSTOP, or ended by SIGKILL, at a random moment: from then on until the term of another one begins. A stopped one wakes up again up to 100 ms later. stale: what it then still did to edges that had heard of the new term, and transactions of it that were committed; refused: its calls that the edges refused; unfenced: its effects at edges that had not heard of the new term yet, which cannot refuse them: each still happens once by its key, and there is no goal for them. A lease is ${LEASE_TIMES.leaseMs} ms long. Goals: takeover 1.5 s (p99), stale 0; the torture command does 1,000 stops.`,
  );
  using progress = progressOn(process.stderr);
  const stopping = new AbortController().signal;
  const options = { replicas: REPLICAS, stops, kills };
  const tortured = await torture(options, Math.random, progress, stopping);
  const { problems, stopTakeoverMs, killTakeoverMs, staleEffects, staleCommits } = tortured;
  if (problems.length > 0) throw new Error(problems.join("\n"));
  for (const [after, values] of Object.entries({ stop: stopTakeoverMs, kill: killTakeoverMs })) {
    const params = { after, replicas: REPLICAS, takeovers: values.length };
    report(BENCH, "takeover_p50", quantile(values, 0.5), "ms", params);
    report(BENCH, "takeover_p99", quantile(values, 0.99), "ms", params);
    report(BENCH, "takeover_worst", quantile(values, 1), "ms", params);
  }
  const params = { stops, kills };
  report(BENCH, "stale", staleEffects + staleCommits, "", params);
  report(BENCH, "refused", tortured.refused, "", params);
  report(BENCH, "unfenced", tortured.unfenced, "", params);
}
