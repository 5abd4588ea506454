/** From a result that Icinga2 accepted to OpsBot's first step in its journal: with pushes, with its events, with looks alone. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { quantile } from "@glassline/bench/quantile";
import { about, report } from "@glassline/bench/report";
import { freePort } from "@glassline/bench/ports";
import { systemClock } from "@glassline/service/clock";

import { IcingaClient } from "../src/observers/icinga/client.ts";
import { startIcinga } from "../src/observers/icinga/icinga.testing.ts";
import { OpsBotProcess, PUSH_TOKEN, listeningTo, until } from "./opsbot-process.ts";
import { UNLIMITED } from "./unlimited.ts";

const BENCH = "icinga-latency";
const PUSH_CONF = fileURLToPath(new URL("../../../deploy/icinga2/push.conf", import.meta.url));
const SERVICES = 20;
/** One that nothing is done about by itself: measured is when it is written down. */
const CHECK = "latency";
/** No way in but the one that is measured. */
const NO_LOOKS = "60s";
const PAUSE_MAX_MS = 500;
/** Longer than the longest interval. */
const PATIENCE_MS = 90_000;
/** OpsBot is asked seldom: it is what is measured. */
const RETRY_MS = 100;
const NANO_PER_MS = 1e6;
const { signal } = new AbortController();
const resultOf = (exitStatus: number) => ({ exit_status: exitStatus, plugin_output: "" });

interface Way {
  system: string;
  interval: string;
  hearsEvents: boolean;
  pushes: boolean;
  results: { full: number; quick: number };
}

const WAYS: readonly Way[] = [
  {
    system: "push",
    interval: NO_LOOKS,
    hearsEvents: false,
    pushes: true,
    results: { full: 300, quick: 4 },
  },
  {
    system: "looks",
    interval: "500ms",
    hearsEvents: false,
    pushes: false,
    results: { full: 300, quick: 3 },
  },
  {
    system: "looks",
    interval: "250ms",
    hearsEvents: false,
    pushes: false,
    results: { full: 300, quick: 3 },
  },
  {
    system: "events",
    interval: NO_LOOKS,
    hearsEvents: true,
    pushes: false,
    results: { full: 60, quick: 1 },
  },
];

export async function measureIcingaLatency(isQuick: boolean): Promise<void> {
  about(
    BENCH,
    `A result of a service was accepted by a real Icinga2 (process-check-result was answered); until OpsBot, a process of its own, has written the incident's first line, by that line's own time. Push: Icinga runs deploy/icinga2/push.conf, OpsBot looks each ${NO_LOOKS} and hears no events. Looks: no pushes, and an ApiUser without events/*. Events: /v1/events makes OpsBot look, and nothing else. from_request counts from before the question to Icinga. Results come at random moments, one after another. Goals: 50 ms (p99) with pushes, 350 ms with looks alone; those take up to --icinga-interval, and a look.`,
  );
  for (const way of WAYS) await measure(way, isQuick ? way.results.quick : way.results.full);
}

interface Place {
  icinga: IcingaClient;
  opsbot: OpsBotProcess;
}

async function measure(way: Way, count: number): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-bench-"));
  stack.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 10 }));
  const adminPort = await freePort();
  const icinga = stack.use(await startIcinga(await objects(way, directory, adminPort)));
  const settings = way.hearsEvents ? icinga.settings : icinga.as("opsbot-deaf");
  const { words, environment } = await listeningTo(settings, directory);
  const opsbot = stack.use(
    await OpsBotProcess.start({
      directory,
      environment,
      adminPort: adminPort,
      words: { ...words, ...UNLIMITED, "icinga-interval": way.interval },
    }),
  );
  await until("OpsBot looks at Icinga", async () => {
    const { checks, impediment } = await opsbot.client.getStatus({});
    return (checks.length === SERVICES && !impediment.includes("Icinga")) || undefined;
  });
  // On a connection that stays: a handshake is no part of a result.
  const place = { icinga: stack.use(new IcingaClient(icinga.settings)), opsbot };
  const latencies: Latency[] = [];
  // The first ones begin connections, and are not counted.
  for (let at = -2; at < count; at++) {
    const latency = await one(place, `channel-${1 + ((at + 2) % SERVICES)}`);
    if (at >= 0) latencies.push(latency);
  }
  tell(way, latencies);
}

interface Latency {
  fromAnswerMs: number;
  fromRequestMs: number;
}

/** A problem until it is written down, and its end. */
async function one({ icinga, opsbot }: Place, object: string): Promise<Latency> {
  const tell = (exitStatus: number) =>
    icinga.act("process-check-result", `stage!${object}`, resultOf(exitStatus), signal);
  const before = await newest(opsbot);
  await delay(Math.random() * PAUSE_MAX_MS);
  const requestUnixNano = systemClock.nowUnixNano();
  await tell(2);
  const answerUnixNano = systemClock.nowUnixNano();
  const incident = await until(
    `an incident of ${object}`,
    async () => {
      const incidents = await opsbot.incidents(true);
      return incidents.find((each) => each.id > before && each.object === object);
    },
    PATIENCE_MS,
    RETRY_MS,
  );
  const { entries } = await opsbot.story(incident.id);
  const { timeUnixNano } = entries[0]!;
  await tell(0);
  await until(
    `the end of incident ${incident.id}`,
    async () => {
      const { openIncidents } = await opsbot.client.getStatus({});
      return openIncidents === 0 || undefined;
    },
    PATIENCE_MS,
    RETRY_MS,
  );
  return {
    fromAnswerMs: Math.max(0, Number(timeUnixNano - answerUnixNano) / NANO_PER_MS),
    fromRequestMs: Number(timeUnixNano - requestUnixNano) / NANO_PER_MS,
  };
}

async function newest(opsbot: OpsBotProcess): Promise<bigint> {
  const { incidents } = await opsbot.client.listIncidents({ limit: 1 });
  return incidents[0]?.id ?? 0n;
}

function tell({ system, interval }: Way, latencies: readonly Latency[]): void {
  const params = { way: system, interval, results: latencies.length };
  const answers = latencies.map(({ fromAnswerMs }) => fromAnswerMs);
  const requests = latencies.map(({ fromRequestMs }) => fromRequestMs);
  report(BENCH, "first_step_p50", quantile(answers, 0.5), "ms", params);
  report(BENCH, "first_step_p99", quantile(answers, 0.99), "ms", params);
  report(BENCH, "first_step_worst", quantile(answers, 1), "ms", params);
  report(BENCH, "from_request_p99", quantile(requests, 0.99), "ms", params);
}

/** In Icinga's language. */
async function objects({ pushes }: Way, directory: string, adminPort: number): Promise<string> {
  const header = join(directory, "push.header");
  await writeFile(header, `Authorization: Bearer ${PUSH_TOKEN}\n`, { mode: 0o600 });
  const push = `
const GlasslinePushUrl = "http://127.0.0.1:${adminPort}/icinga/event"
const GlasslinePushHeader = "${header}"
include "${PUSH_CONF}"
`;
  return `
${pushes ? push : ""}
object Host "stage" { import "passive-host" }
for (number in range(1, ${SERVICES + 1})) {
  object Service "channel-" + number use (number) {
    import "passive-service"
    host_name = "stage"
    ${pushes ? 'event_command = "glassline-push"' : ""}
    vars.glassline_object = "channel-" + number
    vars.glassline_check = "${CHECK}"
  }
}
`;
}
