/** How soon a channel runs elsewhere when one of its machines dies. In a network of its own. */
import { quantile } from "@glassline/bench/quantile";
import { about, report } from "@glassline/bench/report";
import { EdgePhase } from "@glassline/proto/node";
import type { Check, OpsBotService } from "@glassline/proto/opsbot";
import { CheckState, EntryKind } from "@glassline/proto/opsbot";
import type { Client } from "@glassline/proto/rpc";
import { systemClock } from "@glassline/service/clock";

import { bringUp, takeDown } from "../src/testing/channels.ts";
import { eventually } from "../src/testing/testbed.ts";
import type { WholeStage } from "../src/testing/whole-stage.ts";
import { startWholeStage } from "../src/testing/whole-stage.ts";

const BENCH = "deployments-machine-death";
const SIZES = { full: 10, quick: 1 } as const;
const CHANNEL = "moved";
const DYING = "machine-2";
const SPARE = "machine-3";
const DESCRIPTION = `channel: ${CHANNEL}
source: /live/cam-0001/index.m3u8
machines: [machine-1, ${DYING}]
spares: [${SPARE}]
container: {driver: runc}
slo: {hitRate: 0%, firstByte: 60s, errors: 100%, stalls: 100000, players: 1, for: 2s}
`;
const INCIDENTS_MAX = 10;
const NANO_PER_MS = 1e6;

export async function measureMachineDeath(isQuick: boolean): Promise<void> {
  const deaths = isQuick ? SIZES.quick : SIZES.full;
  about(
    BENCH,
    `A channel on two machines with a spare one; one of them loses its power (${deaths} times): all on it ends in one moment, and its packets go nowhere. detected: until OpsBot takes the machine for dead, which takes three looks, a second apart; moved: from then until the edge runs on the spare machine, with its segment, and is ready, of which most is the start of its container; all share this machine's cores. Viewers have moved before that by steering: see viewers-failover of OpsBot. Goal: moved 1 s.`,
  );
  await using whole = await startWholeStage();
  using opsbot = await whole.stage.client();
  const [detected, moved]: [number[], number[]] = [[], []];
  for (let nth = 0; nth < deaths; nth++) {
    await eventually(`${DYING} is there`, () => isThere(opsbot), 60_000);
    await bringUp(opsbot, CHANNEL, DESCRIPTION);
    const { detectedMs, movedMs } = await die(whole, opsbot);
    detected.push(detectedMs);
    moved.push(movedMs);
    await whole.stage.startAgain(DYING);
    await takeDown(opsbot, CHANNEL);
  }
  const params = { deaths };
  for (const [name, values] of Object.entries({ detected, moved })) {
    report(BENCH, `${name}_p50`, quantile(values, 0.5), "ms", params);
    report(BENCH, `${name}_worst`, quantile(values, 1), "ms", params);
  }
}

/** As OpsBot sees it. */
async function isThere(opsbot: Client<typeof OpsBotService>): Promise<true | undefined> {
  const { checks } = await opsbot.getStatus({});
  const isOk = ({ object, check, state }: Check) =>
    object === DYING && check === "machine" && state === CheckState.OK;
  return checks.some(isOk) || undefined;
}

async function die({ stage, edges }: WholeStage, opsbot: Client<typeof OpsBotService>) {
  const killed = systemClock.nowUnixNano();
  await stage.killMachine(DYING);
  const ready = await eventually(
    `the edge is on ${SPARE}`,
    async () => {
      const [edge] = await edges(SPARE);
      return edge?.phase === EdgePhase.READY ? systemClock.nowUnixNano() : undefined;
    },
    60_000,
  );
  const { incidents } = await opsbot.listIncidents({ limit: INCIDENTS_MAX });
  const { id } = incidents.find(
    ({ object, check, openedUnixNano }) =>
      object === DYING && check === "machine" && openedUnixNano > killed,
  )!;
  const { entries } = await opsbot.getIncident({ id });
  const { timeUnixNano: seen } = entries.find(({ kind }) => kind === EntryKind.SEEN)!;
  return {
    detectedMs: Number(seen - killed) / NANO_PER_MS,
    movedMs: Number(ready - seen) / NANO_PER_MS,
  };
}
