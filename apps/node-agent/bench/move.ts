/** A service's address moves between two machines while a third one asks it every 10 ms: the longest time without an answer. */
import { setTimeout as sleep } from "node:timers/promises";

import { median } from "@glassline/bench/median";
import { about, report } from "@glassline/bench/report";
import type { Segment } from "@glassline/proto/node";

import type { Machine } from "@glassline/bench/namespaces/testing";
import { startUnderlay } from "@glassline/bench/namespaces/testing";
import { segmentOf } from "../src/drivers/segment.testing.ts";
import type { BenchAgent } from "./agent-in-namespace.ts";
import { agentIn } from "./agent-in-namespace.ts";
import type { Prober } from "./prober.ts";
import { INTERVAL_MS, probe } from "./prober.ts";

const BENCH = "move";
const SERVICE = "10.77.0.100/24";
/** Even: then it is where it was at first. */
const MOVES = { full: 40, quick: 4 } as const;
/** Of the prober alone, which this machine's other work makes wait too. */
const STILL_MS = 3_000;
/** Of the prober, before and after each move. */
const ANSWERS = 10;
const BY_HAND = "36-48 ms";

type Order = "the new one first" | "the old one first" | "both at once";
const ORDERS: readonly Order[] = ["the new one first", "the old one first", "both at once"];

export async function measureMove(isQuick: boolean): Promise<void> {
  const moves = isQuick ? MOVES.quick : MOVES.full;
  about(
    BENCH,
    `Three network namespaces as machines, an agent each in this one process, and one segment of real VXLAN between them. The address of a service is on one of two machines, and moves between them by two wishes, one a machine; the third one asks it by ping every ${INTERVAL_MS} ms, so that a move without a loss has a gap of ${INTERVAL_MS} ms. order: which machine hears first. By hand it was ${BY_HAND}. Goal: longest gap 50 ms.`,
  );
  await using underlay = await startUnderlay(3);
  const [one, two, three] = underlay.machines as [Machine, Machine, Machine];
  await using stack = new AsyncDisposableStack();
  const hosts: { agent: BenchAgent; segment: Segment }[] = [];
  for (const [at, machine] of [one, two, three].entries()) {
    const agent = stack.use(await agentIn(machine, `machine-${at + 1}`));
    const segment = segmentOf(machine, underlay.machines);
    await agent.become([segment]);
    hosts.push({ agent, segment });
  }
  const [first, second] = hosts as [(typeof hosts)[0], (typeof hosts)[0]];
  const own = ({ agent, segment }: typeof first, isHere: boolean) =>
    agent.become([{ ...segment, serviceAddresses: isHere ? [SERVICE] : [] }]);
  await own(first, true);
  const still = await gapOf(await probe(three, SERVICE.split("/")[0]!), () => sleep(STILL_MS));
  report(BENCH, "gap_longest", still, "ms", { order: "no move", moves: 0 });
  for (const order of ORDERS) {
    const gaps: number[] = [];
    for (let at = 0; at < moves; at++) {
      const [from, to] = at % 2 === 0 ? [first, second] : [second, first];
      const prober = await probe(three, SERVICE.split("/")[0]!);
      gaps.push(
        await gapOf(prober, async () => {
          if (order === "the old one first") await own(from, false);
          await Promise.all([
            own(to, true),
            ...(order === "both at once" ? [own(from, false)] : []),
          ]);
          if (order === "the new one first") await own(from, false);
        }),
      );
    }
    const params = { order, moves };
    report(BENCH, "gap_longest", Math.max(...gaps), "ms", params);
    report(BENCH, "gap_median", median(gaps), "ms", params);
  }
}

/** Ends the prober. @returns ms */
export async function gapOf(prober: Prober, change: () => Promise<void>): Promise<number> {
  await prober.answers(ANSWERS);
  await change();
  await prober.answers(ANSWERS);
  return prober.longestGapMs();
}
