/** The gateway of a site changes while machines of two sites talk through it: the longest time without an answer. */
import { median } from "@glassline/bench/median";
import { about, report } from "@glassline/bench/report";

import type { Machine } from "@glassline/bench/namespaces/testing";
import { startUnderlay } from "@glassline/bench/namespaces/testing";
import type { Site } from "../src/drivers/sites.testing.ts";
import { stitchedSegment } from "../src/drivers/sites.testing.ts";
import type { BenchAgent } from "./agent-in-namespace.ts";
import { agentIn } from "./agent-in-namespace.ts";
import { gapOf } from "./move.ts";
import { INTERVAL_MS, probe } from "./prober.ts";

const BENCH = "gateway";
const CHANGES = { full: 20, quick: 4 } as const;

export async function measureGateway(isQuick: boolean): Promise<void> {
  const changes = isQuick ? CHANGES.quick : CHANGES.full;
  about(
    BENCH,
    `Five network namespaces as machines, an agent each in this one process: a site of three with VNI 1001 and two that may be its gateway, a site of two with VNI 2001, and VNI 5000 between the gateways. A machine of the first site asks one of the second by ping every ${INTERVAL_MS} ms; all agents get their new wish at once. planned: the old gateway hears it too; lost: it is cut off from the underlay just before the others hear it.`,
  );
  await using underlay = await startUnderlay(5);
  const [a, first, second, b, far] = underlay.machines as [
    Machine,
    Machine,
    Machine,
    Machine,
    Machine,
  ];
  await using stack = new AsyncDisposableStack();
  const agents = new Map<Machine, BenchAgent>();
  for (const [at, machine] of underlay.machines.entries())
    agents.set(machine, stack.use(await agentIn(machine, `machine-${at + 1}`)));
  const become = async (gateway: Machine, lost?: Machine) => {
    const sites: Site[] = [
      { vni: 1_001, machines: [a, first, second], gateway },
      { vni: 2_001, machines: [b, far], gateway: far },
    ];
    const all = [...agents].filter(([machine]) => machine !== lost);
    await Promise.all(
      all.map(([machine, agent]) => agent.become([stitchedSegment(machine, sites)])),
    );
  };
  await become(first);
  const planned: number[] = [];
  const lost: number[] = [];
  for (let at = 0; at < changes; at++) {
    const [old, next] = at % 2 === 0 ? [first, second] : [second, first];
    planned.push(await gapOf(await probe(a, "10.77.0.4"), () => become(next)));
    await become(old);
    const prober = await probe(a, "10.77.0.4");
    const gapMs = await gapOf(prober, async () => {
      await old.ip("link set eth0 down");
      await become(next, old);
    });
    lost.push(gapMs);
    await old.ip("link set eth0 up");
    await become(next);
  }
  for (const [how, gaps] of Object.entries({ planned, lost })) {
    report(BENCH, "gap_longest", Math.max(...gaps), "ms", { how, changes });
    report(BENCH, "gap_median", median(gaps), "ms", { how, changes });
  }
}
