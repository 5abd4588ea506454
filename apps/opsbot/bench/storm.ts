/** Thousands of alerts in one moment, through a real Icinga2: OpsBot's memory, how long it takes, what it begins, and how often it calls people. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { residentBytesOf } from "@glassline/bench/proc";
import { about, report } from "@glassline/bench/report";

import { startIcinga } from "../src/observers/icinga/icinga.testing.ts";
import { OpsBotProcess, listeningTo, until } from "./opsbot-process.ts";

const BENCH = "storm";
const OPEN = "opsbot_open_incidents";
/** Each with an action that OpsBot would begin by itself. */
const CHECKS = ["health", "freshness", "hit-rate", "process"];
const EDGES = { full: 2_500, quick: 250 } as const;
const PATIENCE_MS = 600_000;
const RETRY_MS = 100;
/** After the last incident, so that what is too much would be seen. */
const SETTLE_MS = 5_000;
const BYTES_PER_MIB = 2 ** 20;

export async function measureStorm(isQuick: boolean): Promise<void> {
  const edges = isQuick ? EDGES.quick : EDGES.full;
  const alerts = edges * CHECKS.length;
  about(
    BENCH,
    `${alerts.toLocaleString("en")} services of ${edges.toLocaleString("en")} edges of one failure domain become critical by one question to a real Icinga2; all are hard at once. OpsBot, a process of its own with the limits that it has by default, looks at Icinga. handled: an incident is open for each. actions_begun: also those that were refused by an edge that is not there; they are held against budget, the global one of an hour. people_called: incidents of the storm itself; alone: incidents that were left to people one by one beside it. closed: all are well again, and no incident is open but the storm's. Goals: memory is bounded, actions are within their budgets, people are called once.`,
  );
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-bench-"));
  stack.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 10 }));
  const icinga = stack.use(await startIcinga(objects(edges)));
  const { words, environment } = await listeningTo(icinga.settings, directory);
  const opsbot = stack.use(
    await OpsBotProcess.start({
      directory,
      environment,
      // Nobody listens there.
      words: { ...words, edge: namesOf(edges).map((name) => `${name}=localhost:9`) },
    }),
  );
  await icinga.resultOfAll(0, "all is well");
  await until(
    "OpsBot sees that all is well",
    async () => {
      const { checks } = await opsbot.client.getStatus({});
      return checks.filter(({ suppressed }) => suppressed === "").length === alerts || undefined;
    },
    PATIENCE_MS,
    1_000,
  );
  const memory = watchMemory(opsbot.pid);
  stack.use(memory);
  const params = { alerts };
  report(BENCH, "memory_before", memory.peakBytes / BYTES_PER_MIB, "MiB", params);
  const startMs = performance.now();
  await icinga.resultOfAll(2, "all is lost");
  report(BENCH, "icinga_took", (performance.now() - startMs) / 1_000, "s", params);
  await until(
    "an incident for each alert",
    async () => (await opsbot.total(OPEN)) >= alerts || undefined,
    PATIENCE_MS,
    RETRY_MS,
  );
  report(BENCH, "handled", (performance.now() - startMs) / 1_000, "s", params);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  report(BENCH, "memory_peak", memory.peakBytes / BYTES_PER_MIB, "MiB", params);
  await tellEffects(opsbot, params);
  if (isQuick) return;
  const backMs = performance.now();
  await icinga.resultOfAll(0, "all is well again");
  await until(
    "the end of all incidents",
    async () => (await opsbot.total(OPEN)) <= 1 || undefined,
    PATIENCE_MS,
    RETRY_MS,
  );
  report(BENCH, "closed", (performance.now() - backMs) / 1_000, "s", params);
  report(BENCH, "memory_after", residentBytesOf(opsbot.pid) / BYTES_PER_MIB, "MiB", params);
}

/** What it did, by its own counters. */
async function tellEffects(opsbot: OpsBotProcess, params: { alerts: number }): Promise<void> {
  const begun = await opsbot.total("opsbot_actions_total");
  const escalated = await opsbot.total("opsbot_escalations_total");
  const called = await opsbot.total("opsbot_escalations_total", 'check="storm"');
  report(BENCH, "actions_begun", begun, "", { ...params, budget: 60 });
  report(BENCH, "people_called", called, "", params);
  report(BENCH, "alone", escalated - called, "", params);
}

interface Watched extends Disposable {
  peakBytes: number;
}

/** The most that it had in use. */
function watchMemory(pid: number): Watched {
  const watched = { peakBytes: residentBytesOf(pid) };
  const timer = setInterval(() => {
    watched.peakBytes = Math.max(watched.peakBytes, residentBytesOf(pid));
  }, RETRY_MS);
  return Object.assign(watched, { [Symbol.dispose]: () => clearInterval(timer) });
}

const namesOf = (edges: number): string[] =>
  Array.from({ length: edges }, (_, at) => `edge-${at + 1}`);

/** In Icinga's language. */
const objects = (edges: number) => `
for (number in range(1, ${edges + 1})) {
  object Host "edge-" + number { import "passive-host" }
  for (check in ${JSON.stringify(CHECKS)}) {
    object Service check use (number, check) {
      import "passive-service"
      host_name = "edge-" + number
      vars.glassline_object = "edge-" + number
      vars.glassline_check = check
    }
  }
}
`;
