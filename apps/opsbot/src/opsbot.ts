/** OpsBot: watches, decides, acts, verifies, and writes it down. */
import { jsonRoutes } from "@glassline/proto/json";
import { openApi } from "@glassline/proto/openapi";
import { OpsBotService } from "@glassline/proto/opsbot";
import { addService } from "@glassline/proto/rpc";
import type { AppDeps } from "@glassline/service/app";
import { GRPC_LIMITS, closeGrpc, listenGrpc } from "@glassline/service/grpc";
import { startAdmin } from "@glassline/service/http";
import { mutualTlsServer } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";

import { openAccess } from "./access/open-access.ts";
import { readDesired } from "./actions/desired-state.ts";
import { Deployer } from "./deployment/deployer.ts";
import { openDeployments } from "./deployment/open-deployments.ts";
import { DeploymentDesk } from "./deployments.ts";
import { descriptionsIn } from "./descriptions.ts";
import { serviceOf } from "./api.ts";
import type { OpsBotConfig } from "./config.ts";
import { openGuard } from "./guard-settings.ts";
import { showBudgetsLeft } from "./budgets-left.ts";
import { inventoryOf } from "./inventory.ts";
import { inviting } from "./inviting.ts";
import { Machines } from "./machines.ts";
import { mcpRoute } from "./mcp/http.ts";
import { opsBotMetrics } from "./metrics.ts";
import { connect } from "./network.ts";
import { chooseObserver } from "./observers/chosen-observer.ts";
import { deploymentChecks } from "./observers/deployment-checks.ts";
import { joined } from "./observers/joined.ts";
import { Monitor } from "./observers/monitor.ts";
import { Operations } from "./operations.ts";
import { openNotifying } from "./notify/open-notifying.ts";
import { openStore } from "./stores/open-store.ts";
import { Terms } from "./terms.ts";
import { showVnis } from "./vni-gauges.ts";
import { VniKeeping } from "./vni-keeping.ts";
import { openVnis } from "./vnis/open-vnis.ts";
import { watching } from "./watching.ts";

const VERSION = "0.1.0";
const GRACE_MS = 500;

export interface OpsBot extends AsyncDisposable {
  addresses: { port: number; adminPort: number };
}

/** @param open gives the journal, and who may write it. */
export async function startOpsBot(
  config: OpsBotConfig,
  deps: AppDeps,
  open: typeof openStore = openStore,
): Promise<OpsBot> {
  await using stack = new AsyncDisposableStack();
  const { clock, identity } = deps;
  const network = stack.use(connect(config, deps));
  const { journal, leadership } = stack.use(await open(config, deps));
  const machines = new Machines(network, clock);
  const reports = journal.reports("icinga");
  const chosen = chooseObserver(config, { network, machines, reports }, deps);
  const desired = readDesired(config.edges, network, journal, () => machines.there());
  const guard = openGuard(config, desired.overlays, clock);
  const { deployments } = journal;
  const vnis = stack.use(await openVnis(config, deps));
  const forget = (object: string) => [chosen, keeper].forEach((each) => each.forget(object));
  const watch = watching({ network, guard, machines, deployments, vnis, forget });
  const parts = openDeployments(config, {
    network,
    clock,
    journal,
    vnis,
    desired,
    watch,
    forgetMachine: (name) => [machines, guard, { forget }].forEach((each) => each.forget(name)),
    registrar: chosen.registrar,
  });
  const deployer = new Deployer(parts);
  const descriptions = descriptionsIn(config.channels, clock);
  const keeping = new VniKeeping({
    vnis,
    machines,
    deployments,
    configured: desired.configured?.segments ?? [],
    clock,
    logger: deps.logger,
  });
  const checks = deploymentChecks({ network, machines, deployments, deployer, keeping });
  const keeper = new Monitor(checks, clock);
  const observer = stack.use(joined(chosen.observer, keeper));
  const metrics = opsBotMetrics(deps.metrics);
  const terms = new Terms({
    config,
    deps,
    network,
    journal,
    leadership,
    observer,
    desired,
    deployer,
    watch,
    guard,
    metrics,
    reports: [
      chosen.report,
      await openNotifying(config, journal, deps),
      (signal) => keeping.run(signal),
    ],
  });
  const access = stack.use(await openAccess(config, OpsBotService, deps));
  const desk = new Operations({
    journal,
    guard,
    clock,
    bot: () => terms.bot,
    leader: () => leadership.leader(),
    observations: () => observer.observations(),
    impediment: () => terms.impediment || chosen.impediment(),
    deployments: new DeploymentDesk(parts, machines, clock),
    invite: network.enrolment && inviting(network.enrolment, () => leadership.fencingToken()),
    inventory: () =>
      inventoryOf(config, network, desired, {
        deployments: guard.named("channel"),
        machines: guard.named("machine"),
        descriptions: descriptions.names(),
      }),
  });
  const service = serviceOf({
    name: config.name,
    desk,
    clock,
    describe: (name) => descriptions.read(name),
    fencingToken: () => leadership.fencingToken() ?? 0n,
    callerOf: (context, mayChange) => access.callerOf(context, mayChange),
  });
  showVnis(deps.metrics, vnis, keeping);
  showBudgetsLeft(deps.metrics, () => guard.budgetsLeft(journal.guard));
  const mcp = stack.use(
    mcpRoute({
      desk,
      authorize: ({ headers }) => access.callerShowing(headers.get("authorization") ?? undefined),
    }),
  );
  stack.use(terms).start();
  chosen.start();
  keeper.start(config.interval);

  const server = new grpc.Server(GRPC_LIMITS);
  addService(server, OpsBotService, service);
  const credentials = mutualTlsServer(identity);
  const port = await listenGrpc(server, "gRPC (--port)", config.host, config.port, credentials);
  stack.defer(() => closeGrpc(server, GRACE_MS));
  const http = stack.use(
    await startAdmin(config, deps.metrics.registry, {
      authorize: (asked) => access.authorize(asked),
      routes: [...jsonRoutes(OpsBotService, service), ...chosen.routes],
      fetchRoutes: [mcp],
      openApi: openApi("Glassline OpsBot", VERSION, [OpsBotService]),
    }),
  );
  const owned = stack.move();
  return {
    addresses: { port, adminPort: http.port },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
