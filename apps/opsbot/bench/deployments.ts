/** How long a channel takes to its viewers, and what it costs to apply a hundred again that are as they shall be. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

import { about, report } from "@glassline/bench/report";
import { DeploymentPhase } from "@glassline/proto/opsbot";

import { startDeploymentNetwork } from "../torture/deployments/network.ts";
import { OpsBotProcess, until } from "./opsbot-process.ts";
import { quantile } from "./quantile.ts";

const BENCH = "deployments";
const SIZES = {
  full: { flows: 10, channels: 100 },
  quick: { flows: 1, channels: 3 },
} as const;
const VALIDATION_S = 2;
const PATIENCE_MS = 300_000;
/** So many channels are brought up at a time, before what is measured. */
const AT_ONCE = 4;
const PORTS_A_CHANNEL = 4;
const COMMAND = fileURLToPath(new URL("../src/command-main.ts", import.meta.url));

const described = (channel: string, machines: string) => `channel: ${channel}
source: /live/cam-0001/index.m3u8
machines: [${machines}]
overlay: {kind: none}
slo: {hitRate: 0%, firstByte: 60s, errors: 100%, stalls: 100000, players: 1, for: ${VALIDATION_S}s}
`;

export async function measureDeployments(isQuick: boolean): Promise<void> {
  const { flows, channels } = isQuick ? SIZES.quick : SIZES.full;
  about(
    BENCH,
    `A channel on two machines of one node-agent, without an overlay, from the question until it is live, less the ${VALIDATION_S} s for which its test load plays (flow); origin, node-agent, edges and OpsBot share this machine. Then ${channels} channels with an edge each that are as they shall be are planned again, one after another (again), and by the command line with its own start (command). Goals: 5 s, and 1 s with 0 changes. Overlays are measured by the node-agent's benchmarks, with VXLAN between network namespaces.`,
  );
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-bench-"));
  stack.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 10 }));
  const ports = PORTS_A_CHANNEL * (channels + 2);
  const network = stack.use(await startDeploymentNetwork(directory, ports));
  const opsbot = stack.use(await OpsBotProcess.start({ directory, words: network.words }));
  const times: number[] = [];
  for (let nth = 0; nth < flows; nth++) {
    times.push(await deploy(opsbot, "flow", described("flow", "machine-1, machine-2")));
    await destroy(opsbot, "flow");
  }
  const spans = times.map((ms) => ms - 1_000 * VALIDATION_S);
  report(BENCH, "flow_p50", quantile(spans, 0.5), "ms", { flows });
  report(BENCH, "flow_worst", quantile(spans, 1), "ms", { flows });
  await again(opsbot, directory, channels);
}

async function again(opsbot: OpsBotProcess, directory: string, count: number): Promise<void> {
  const names = Array.from({ length: count }, (_, at) => `channel-${at + 1}`);
  const texts = new Map(names.map((name) => [name, described(name, "machine-1")]));
  const waiting = [...texts];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) await deploy(opsbot, ...next);
    }),
  );
  const startMs = performance.now();
  let changes = 0;
  for (const description of texts.values())
    if ((await planned(opsbot, description)) !== "nothing_to_do") changes++;
  const params = { channels: count };
  report(BENCH, "again", performance.now() - startMs, "ms", params);
  report(BENCH, "changes", changes, "{channel}", params);
  const files: string[] = [];
  for (const [name, text] of texts) {
    const file = join(directory, `${name}.yaml`);
    await writeFile(file, text);
    files.push(file);
  }
  const commandMs = performance.now();
  const { port } = opsbot;
  await promisify(execFile)(process.execPath, [
    COMMAND,
    "deploy",
    ...files,
    "--yes",
    `--opsbot=localhost:${port}`,
    `--pki-dir=${join(directory, "pki")}`,
  ]);
  report(BENCH, "command", performance.now() - commandMs, "ms", params);
}

async function planned({ client }: OpsBotProcess, description: string): Promise<string> {
  const change = { case: "deploy", value: { description } } as const;
  const { result } = await client.plan({ change: { change } });
  return result.case === "refusal" ? result.value.because : "changes";
}

/** @returns how long it took, ms. */
async function deploy(
  opsbot: OpsBotProcess,
  channel: string,
  description: string,
): Promise<number> {
  const startMs = performance.now();
  const { client } = opsbot;
  const change = { case: "deploy", value: { description } } as const;
  const { result } = await client.plan({ change: { change } });
  if (result.case !== "plan") throw new Error(`${channel}: got ${JSON.stringify(result.value)}`);
  await client.apply({ hash: result.value.hash });
  await until(
    `${channel} is live`,
    async () => {
      const { deployment } = await client.getDeployment({ channel });
      if (deployment?.phase === DeploymentPhase.FAILED) throw new Error(deployment.problem);
      return deployment?.phase === DeploymentPhase.LIVE || undefined;
    },
    PATIENCE_MS,
  );
  return performance.now() - startMs;
}

async function destroy({ client }: OpsBotProcess, channel: string): Promise<void> {
  const { result } = await client.plan({
    change: { change: { case: "destroy", value: { channel } } },
  });
  if (result.case === "plan") await client.apply({ hash: result.value.hash });
  await until(
    `${channel} is gone`,
    async () => {
      const { deployments } = await client.listDeployments({});
      const { openIncidents } = await client.getStatus({});
      return (deployments.length === 0 && openIncidents === 0) || undefined;
    },
    PATIENCE_MS,
  );
}
