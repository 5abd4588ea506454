/** What it costs to apply a hundred channels again that are as they shall be. */
import { about, report } from "@glassline/bench/report";
import { UNLIMITED } from "@glassline/opsbot/unlimited";
import type { OpsBotService } from "@glassline/proto/opsbot";
import type { Client } from "@glassline/proto/rpc";

import { askToDeploy, bringUp } from "../src/testing/channels.ts";
import { DeploymentStage } from "../src/testing/deployment-stage.ts";

const BENCH = "deployments-again";
const SIZES = { full: 100, quick: 3 } as const;
/** So many channels are brought up at a time, before what is measured. */
const AT_ONCE = 4;
const PORTS_A_CHANNEL = 4;

const MACHINES = 2;

/** @param channel "channel-7" */
const described = (channel: string) => `channel: ${channel}
source: /live/cam-0001/index.m3u8
machines: [machine-${1 + (Number(channel.split("-")[1]) % MACHINES)}]
overlay: {kind: none}
slo: {hitRate: 0%, firstByte: 60s, errors: 100%, stalls: 100000, players: 1, for: 2s}
`;

export async function measureAgain(isQuick: boolean): Promise<void> {
  const channels = isQuick ? SIZES.quick : SIZES.full;
  about(
    BENCH,
    `${channels} channels with an edge each, on two node-agents, that are as they shall be are applied again, one after another, as chat and MCP ask (again), and by the command line in one go with its own start (command). The edges run beside it. Goal: 1 s, and 0 changes.`,
  );
  const ports = PORTS_A_CHANNEL * (channels + 2);
  await using stage = await DeploymentStage.start({ machines: MACHINES, ports, opsbot: UNLIMITED });
  using opsbot = await stage.client();
  const names = Array.from({ length: channels }, (_, at) => `channel-${at + 1}`);
  await bringUpAll(opsbot, names);
  const params = { channels };
  const startMs = performance.now();
  let changes = 0;
  for (const name of names)
    if ((await askToDeploy(opsbot, described(name))) !== "nothing_to_do") changes++;
  report(BENCH, "again", performance.now() - startMs, "ms", params);
  report(BENCH, "changes", changes, "{channel}", params);
  const files = await Promise.all(names.map((name) => stage.describe(name, described(name))));
  const commandMs = performance.now();
  const { code, output } = await stage.command("deploy", ...files, "--yes");
  if (code !== 0) throw new Error(`deploy: got ${code}: ${output}`);
  report(BENCH, "command", performance.now() - commandMs, "ms", params);
}

async function bringUpAll(
  opsbot: Client<typeof OpsBotService>,
  names: readonly string[],
): Promise<void> {
  const waiting = [...names];
  const next = async (): Promise<void> => {
    for (let name = waiting.shift(); name; name = waiting.shift())
      await bringUp(opsbot, name, described(name));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}
