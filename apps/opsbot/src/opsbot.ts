/** OpsBot: watches, decides, acts, verifies, and writes it down. */
import { jsonRoutes } from "@glassline/proto/json";
import { openApi } from "@glassline/proto/openapi";
import { OpsBotService } from "@glassline/proto/opsbot";
import { addService } from "@glassline/proto/rpc";
import type { AppDeps } from "@glassline/service/app";
import { every } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import { GRPC_LIMITS, closeGrpc, listenGrpc } from "@glassline/service/grpc";
import { startAdmin } from "@glassline/service/http";
import { mutualTlsServer } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";

import type { EffectDeps } from "./actions/effects.ts";
import { assertDesired, readDesired } from "./actions/effects.ts";
import { serviceOf } from "./api.ts";
import { Bot } from "./bot.ts";
import { callerByCertificate } from "./callers.ts";
import type { OpsBotConfig } from "./config.ts";
import type { Inventory } from "./desk.ts";
import { DeskOverBot } from "./desk-over-bot.ts";
import { openGuard } from "./guard-settings.ts";
import type { Guard } from "./guard.ts";
import { opsBotMetrics } from "./metrics.ts";
import type { Network } from "./network.ts";
import { connect } from "./network.ts";
import { chooseObserver } from "./observers/chosen-observer.ts";
import { openJournal } from "./stores/journal.ts";

const VERSION = "0.1.0";
const GRACE_MS = 500;
/** What shall run is told again and again: a node-agent may have lost its disk. */
const TELL_INTERVAL_MS = 2_000;
/** Until it has been told once. */
const FIRST_TELL_INTERVAL_MS = 200;

export interface OpsBot extends AsyncDisposable {
  addresses: { port: number; adminPort: number };
}

export async function startOpsBot(config: OpsBotConfig, deps: AppDeps): Promise<OpsBot> {
  await using stack = new AsyncDisposableStack();
  const { clock, logger, identity } = deps;
  const journal = stack.use(openJournal(config.dataDir, () => clock.nowUnixNano()));
  const network = stack.use(connect(config, identity));
  const chosen = chooseObserver(config, { network, reports: journal.reports }, deps);
  const observer = stack.use(chosen.observer);
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  const guard = openGuard(config, journal.guard, clock);
  const effects: EffectDeps = {
    network,
    journal,
    clock,
    edgeToken: config.edgeToken,
    desired: readDesired(config.edges),
    isHeld: () => guard.isKilled,
    signal: stop.signal,
  };
  const metrics = opsBotMetrics(deps.metrics);
  const verifyMs = config.verify;
  const bot = new Bot({ ...effects, observer, guard, logger, metrics, verifyMs });
  bot.start();
  chosen.start();
  const untold = keepDesired(effects, deps, stop.signal);
  const impediment = () => bot.impediment || ordered(guard) || chosen.impediment() || untold();

  const inventory = () => inventoryOf(config, network);
  const desk = new DeskOverBot({ bot, guard, observer, journal, clock, impediment, inventory });
  const service = serviceOf({
    name: config.name,
    desk,
    clock,
    fencingToken: () => journal.fencingToken,
    authorize: callerByCertificate,
  });
  const server = new grpc.Server(GRPC_LIMITS);
  addService(server, OpsBotService, service);
  const port = await listenGrpc(
    server,
    "gRPC (--port)",
    config.host,
    config.port,
    mutualTlsServer(identity),
  );
  stack.defer(() => closeGrpc(server, GRACE_MS));
  const http = stack.use(
    await startAdmin(config, deps.metrics.registry, {
      routes: [
        ...jsonRoutes(OpsBotService, service).filter(({ method }) => method.localName !== "chat"),
        ...chosen.routes,
      ],
      openApi: openApi("Glassline OpsBot", VERSION, [OpsBotService]),
    }),
  );
  const owned = stack.move();
  return {
    addresses: { port, adminPort: http.port },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Tells the node-agent what shall run. @returns why that is not possible at present; empty when it is. */
function keepDesired(
  effects: EffectDeps,
  { clock, logger }: AppDeps,
  signal: AbortSignal,
): () => string {
  let [impediment, toldMs] = ["it has just been started", Number.NEGATIVE_INFINITY];
  const tell = async () => {
    if (impediment === "" && clock.monotonicMs() - toldMs < TELL_INTERVAL_MS) return;
    if (effects.isHeld()) return;
    toldMs = clock.monotonicMs();
    try {
      await assertDesired(effects);
      impediment = "";
    } catch (error) {
      const reason = `the node-agent does not take what shall run: ${messageOf(error)}`;
      if (impediment === "") logger.warn({ reason }, "impeded");
      impediment = reason;
    }
  };
  void every(clock, FIRST_TELL_INTERVAL_MS, signal, tell);
  return () => impediment;
}

/** What people have ordered, as far as it holds all back. */
function ordered({ isKilled, orders }: Guard): string {
  if (isKilled) return "the kill switch is on: nothing is begun";
  return orders.some(({ kind }) => kind === "pause") ? "automation is paused" : "";
}

function inventoryOf({ collector }: OpsBotConfig, { edges, channels }: Network): Inventory {
  return {
    edges: [...edges.keys()],
    channels: channels.known().map(({ name }) => name),
    links: [],
    collectors: collector.map(({ name }) => name),
    overlays: [],
  };
}
