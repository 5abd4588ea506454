/** Reloads of a real Icinga2 and kills of OpsBot, while services change at random moments: is what Icinga shows handled, and once? */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import type { Progress } from "@glassline/bench/progress";

import { OpsBotProcess, listeningTo, until } from "../../bench/opsbot-process.ts";
import { UNLIMITED } from "../../bench/unlimited.ts";
import { IcingaClient } from "../../src/observers/icinga/client.ts";
import type { Icinga } from "../../src/observers/icinga/icinga.testing.ts";
import { startIcinga } from "../../src/observers/icinga/icinga.testing.ts";
import type { ReloadsConfig } from "./config.ts";
import { Feeder } from "./feeder.ts";
import type { Away } from "./verdict.ts";
import { handledTwice, lasting, notHandled } from "./verdict.ts";
import { Watch } from "./watch.ts";

/** A problem that Icinga shows for so long must be handled, also when OpsBot was killed meanwhile. */
const LASTING_MS = 8_000;
const PAUSE_MAX_MS = 3_000;
/** Of OpsBot, until it is started again. */
const DOWN_MAX_MS = 1_000;
const SETTLE_MS = 30_000;
/** Of services; half of them are believed at the first result. */
const ATTEMPTS_MAX = 2;

export interface Tortured {
  reloads: number;
  kills: number;
  results: number;
  changes: number;
  /** Of hard problems, those that Icinga showed for long enough. */
  lasting: number;
  incidents: number;
  notHandled: number;
  handledTwice: number;
  /** At the end, of what is well. */
  leftOpen: number;
  /** For people. */
  problems: string[];
}

/** @param stopping aborted: no more reloads, then the last look. */
export async function torture(
  config: Omit<ReloadsConfig, "seed">,
  random: () => number,
  progress: Progress,
  stopping: AbortSignal,
): Promise<Tortured> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "glassline-torture-"));
  stack.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 10 }));
  const services = Array.from({ length: config.services }, (_, at) => `channel-${at + 1}`);
  const icinga = stack.use(await startIcinga(objects(services.length)));
  const { words, environment } = await listeningTo(icinga.settings, directory);
  const opsbot = stack.use(
    await OpsBotProcess.start({ directory, environment, words: { ...words, ...UNLIMITED } }),
  );
  const client = stack.use(new IcingaClient(icinga.settings));
  const watch = stack.use(new Watch(client, opsbot));
  const names = services.map((service) => `stage!${service}`);
  const feeder = stack.use(new Feeder(client, names, random));
  const tortured = { reloads: 0, kills: 0 };
  const away: Away[] = [];
  while (tortured.reloads < config.reloads && !stopping.aborted) {
    await delay(PAUSE_MAX_MS * random());
    const isDue = (tortured.kills + 1) * config.reloads <= (tortured.reloads + 1) * config.kills;
    const killed = isDue ? kill(opsbot, random) : undefined;
    await Promise.all([reload(icinga, random), killed?.then((span) => away.push(span))]);
    tortured.reloads++;
    if (isDue) tortured.kills++;
    const { length } = watch.incidents;
    progress.tell(`${tortured.reloads} reloads, ${tortured.kills} kills, ${length} incidents`);
  }
  // What began last may last too.
  await delay(stopping.aborted ? 0 : LASTING_MS);
  await feeder[Symbol.asyncDispose]();
  const open = await settled(watch, feeder, names, random);
  return { ...tortured, ...judged(watch, feeder, open, away) };
}

async function reload(icinga: Icinga, random: () => number): Promise<void> {
  await delay(DOWN_MAX_MS * random());
  await icinga.reload();
}

/** @returns how long it was not there: a busy machine takes its time to start it. */
async function kill(opsbot: OpsBotProcess, random: () => number): Promise<Away> {
  await delay(PAUSE_MAX_MS * random());
  const fromMs = Date.now();
  await opsbot.kill();
  await delay(DOWN_MAX_MS * random());
  await opsbot.restart();
  return { fromMs, toMs: Date.now() };
}

interface Open {
  /** By service. */
  missing: string[];
  left: string[];
}

/** The last state of each, a hard one, and what is still not as it should be after a while. */
async function settled(
  watch: Watch,
  feeder: Feeder,
  names: readonly string[],
  random: () => number,
): Promise<Open> {
  const last = names.map((name) => ({ name, isGood: random() < 0.5 }));
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++)
    await Promise.all(last.map(({ name, isGood }) => feeder.tell(name, isGood)));
  let open: Open = { missing: [], left: [] };
  await until(
    "OpsBot has seen the last state of each",
    async () => {
      const [shown, handled] = [await watch.look(), new Set(await watch.ask())];
      open = {
        missing: [...shown.keys()].filter((service) => !handled.has(service)),
        left: [...handled].filter((service) => !shown.has(service)),
      };
      return (open.missing.length === 0 && open.left.length === 0) || undefined;
    },
    SETTLE_MS,
  ).catch(() => {});
  return open;
}

function judged(
  watch: Watch,
  { goodMs, results, changes }: Feeder,
  { missing, left }: Open,
  away: readonly Away[],
) {
  const { shown, incidents } = watch;
  const missed = notHandled(shown.all, incidents, LASTING_MS, away);
  const byService = new Map(
    [...goodMs].map(([name, times]) => [name.slice(name.indexOf("!") + 1), times]),
  );
  const twice = handledTwice(incidents, byService);
  const problems = [
    ...missed.map(
      ({ service, firstMs, lastMs }) =>
        `${service}: got no incident, expected one of a problem from ${timeText(firstMs)} to ${timeText(lastMs)}`,
    ),
    ...missing.map((service) => `${service}: got no open incident at the end, expected one`),
    ...twice.map(
      ([first, second]) =>
        `${second.service}: got incidents ${first.id} and ${second.id}, expected one of one problem`,
    ),
    ...left.map((service) => `${service}: got an open incident at the end, expected none`),
  ];
  return {
    results,
    changes,
    lasting: lasting(shown.all, LASTING_MS, away).length,
    incidents: incidents.length,
    notHandled: missed.length + missing.length,
    handledTwice: twice.length,
    leftOpen: left.length,
    problems,
  };
}

const timeText = (unixMs: number) => new Date(unixMs).toISOString().slice(11, 23);

/** In Icinga's language. */
const objects = (services: number) => `
object Host "stage" { import "passive-host" }
for (number in range(1, ${services + 1})) {
  object Service "channel-" + number use (number) {
    import "passive-service"
    host_name = "stage"
    max_check_attempts = 1 + number % ${ATTEMPTS_MAX}
    vars.glassline_object = "channel-" + number
    vars.glassline_check = "latency"
  }
}
`;
