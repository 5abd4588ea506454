/** OpsBot's loop in a process of its own, on a real journal and real gRPC; its parent tells it what is wrong, and where it dies. */
import { writeSync } from "node:fs";

import { systemClock } from "@glassline/service/clock";
import { readIdentity } from "@glassline/service/identity";
import { createLogger } from "@glassline/service/logger";
import { readOrExplain } from "@glassline/service/main";
import { createMetrics } from "@glassline/service/metrics";

import { readDesired } from "../../src/actions/desired-state.ts";
import type { OpsBotConfig } from "../../src/config.ts";
import { program } from "../../src/config.ts";
import { noDeployer } from "../../src/deployment/deployer.testing.ts";
import { openGuard } from "../../src/guard-settings.ts";
import { REQUEST } from "../../src/stores/incidents.ts";
import { opsBotMetrics } from "../../src/metrics.ts";
import { connect } from "../../src/network.ts";
import type { Journal } from "../../src/stores/journal.ts";
import type { Leadership } from "../../src/stores/leadership.ts";
import { Terms } from "../../src/terms.ts";
import { boundariesOf, networkWith } from "./boundaries.ts";
import { openWatchedStore } from "./store.ts";
import { ToldObserver } from "./told-observer.ts";
import type { Begin, Order, Told } from "./words.ts";

const LOOK_MS = 10;
/** Shorter than it may be configured: a story has little to wait for. */
const VERIFY_MS = 100;
const INCIDENTS_MAX = 100;
const CHANNELS = [{ name: "cam-0001", path: "/live/cam-0001" }];

/** Has been told when this returns. */
const tell = (told: Told) => void writeSync(1, `${JSON.stringify(told)}\n`);

async function begin(config: OpsBotConfig, observer: ToldObserver, order: Begin): Promise<void> {
  const startMs = performance.now();
  const sinceMs = () => performance.now() - startMs;
  const logger = createLogger("opsbot", config.logLevel);
  const deps = { clock: systemClock, logger };
  const boundaries = boundariesOf({ ...order, tell: (at) => tell({ at, ms: sinceMs() }) });
  const identity = await readIdentity(config.pkiDir, { role: "opsbot", instance: config.name });
  const real = connect(config, { identity, clock: systemClock });
  // There is no origin: of its channels one is known.
  const channels = { ...real.channels, refresh: async () => CHANNELS as never };
  const network = { ...networkWith(boundaries, real), channels };
  const { leavesTerms = false } = order;
  const store = await openWatchedStore(config, boundaries, leavesTerms, deps);
  const { journal, leadership } = store;
  const desired = readDesired(config.edges, network, journal);
  const terms = new Terms({
    config: { ...config, verify: VERIFY_MS },
    deps,
    network,
    journal,
    leadership: tellTerms(leadership),
    observer,
    desired,
    deployer: noDeployer,
    watch: async () => {},
    guard: openGuard(config, desired.overlays, systemClock),
    metrics: opsBotMetrics(createMetrics("opsbot")),
    reports: [],
  });
  terms.start();
  await askFor(order, terms, journal);
  await untilComplete(journal);
  tell({ complete: true, ms: sinceMs() });
}

function tellTerms(leadership: Leadership): Leadership {
  return {
    fencingToken: () => leadership.fencingToken(),
    leader: () => leadership.leader(),
    [Symbol.asyncDispose]: () => leadership[Symbol.asyncDispose](),
    start: (serve) =>
      leadership.start(async (term) => {
        const token = Number(term.fencingToken);
        tell({ term: token, unixMs: performance.timeOrigin + performance.now() });
        await serve(term).finally(() => tell({ over: token }));
      }),
  };
}

/** Who got no answer, or was told that it cannot be written down at present, asks again, unless the journal shows that it was heard. */
async function askFor({ request }: Begin, terms: Terms, journal: Journal): Promise<void> {
  if (!request) return;
  for (;;) {
    const all = await journal.incidents(INCIDENTS_MAX, false).catch(() => undefined);
    if (all?.some(({ check }) => check === REQUEST)) return;
    const requested = all && (await terms.bot?.request(request, "anna").catch(() => undefined));
    if (requested && "refused" in requested)
      throw new Error(`the request was refused: ${requested.refused}`);
    await systemClock.sleep(LOOK_MS);
  }
}

async function untilComplete(journal: Journal): Promise<void> {
  for (;;) {
    const all = await journal.incidents(INCIDENTS_MAX, false).catch(() => []);
    const isOver = all.every(({ phase }) => phase === "resolved" || phase === "escalated");
    if (all.length > 0 && isOver && (await journal.unsettled()).length === 0) return;
    await systemClock.sleep(LOOK_MS);
  }
}

const config = readOrExplain(program);
if (config) {
  const observer = new ToldObserver(
    systemClock,
    config.edge.map(({ name }) => name),
  );
  process.on("message", (order: Order) => {
    if ("problems" in order) observer.told(order.problems);
    else void begin(config, observer, order.begin);
  });
  process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
  tell({ ready: true, sinceStartMs: performance.now() });
}
