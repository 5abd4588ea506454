/** The enrolment service: pages for phones in front, channels and devices on disk, administration beside. */
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { EnrolmentService } from "@glassline/proto/enrolment";
import { TOKEN_LIFETIME_MAX_MS } from "@glassline/proto/enrolment-limits";
import { jsonRoutes } from "@glassline/proto/json";
import { openApi } from "@glassline/proto/openapi";
import { addService } from "@glassline/proto/rpc";
import type { AppDeps } from "@glassline/service/app";
import { every } from "@glassline/service/clock";
import { OperatorError, messageOf } from "@glassline/service/errors";
import { Fencing } from "@glassline/service/fencing";
import { GRPC_LIMITS, closeGrpc, listenGrpc } from "@glassline/service/grpc";
import { startAdmin } from "@glassline/service/http";
import { mutualTlsServer } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";

import type { EnrolmentConfig } from "./config.ts";
import { Enrolments } from "./enrolments.ts";
import { Materials } from "./materials.ts";
import { enrolmentMetrics } from "./metrics.ts";
import { siteOf } from "./pages/site.ts";
import { startPages } from "./pages/start.ts";
import { secretsFolder } from "./secrets-folder.ts";
import { enrolmentService } from "./service.ts";
import { openSigner } from "./signing/open-signer.ts";
import { openLinkKey, openTokenKey } from "./signing/secret-files.ts";
import type { EnrolmentStore } from "./stores/enrolment-store.ts";
import { openEnrolmentStore } from "./stores/enrolment-store.ts";

const VERSION = "0.1.0";
const GRACE_MS = 500;
const FORGET_INTERVAL_MS = 3_600_000;
/** So long what counts no more is listed. */
const FORGET_AFTER_MS = TOKEN_LIFETIME_MAX_MS;

export interface Enrolment extends AsyncDisposable {
  addresses: { port: number; adminPort: number; publicPort: number; publicUrl: string };
}

export async function startEnrolment(config: EnrolmentConfig, deps: AppDeps): Promise<Enrolment> {
  await using stack = new AsyncDisposableStack();
  const { clock, logger, identity } = deps;
  const { dataDir, secretsDir, tokenAudience } = config;
  const metrics = enrolmentMetrics(deps.metrics);
  const store = stack.use(openEnrolmentStore(dataDir));
  stack.use(forgetting(store, deps));
  const signer = await openSigner(config, { clock, logger, metrics }, stack);
  const tokenKey = await openTokenKey(dataDir);
  const materials = new Materials(
    secretsFolder(secretsDir === "" ? join(dataDir, "secrets") : secretsDir),
    await rootCertificate(config),
  );
  const site = siteOf(config);
  const issuing = { tokenKey, signer, tokenAudience, site };
  const enrolments = new Enrolments({ ...issuing, store, materials, clock });
  const service = enrolmentService({
    name: config.name,
    enrolments,
    store,
    fencing: new Fencing(store.fencingToken(), async (token) => store.setFencingToken(token)),
    linkKey: await openLinkKey(dataDir),
    keySet: tokenKey.keySet,
    site,
    clock,
    metrics,
  });
  const pages = { ...deps, metrics, enrolments, store, tokenKey, materials, signer };
  const publicPort = await startPages(config, site, pages, stack);

  const server = new grpc.Server(GRPC_LIMITS);
  addService(server, EnrolmentService, service);
  const credentials = mutualTlsServer(identity);
  const port = await listenGrpc(server, "gRPC (--port)", config.host, config.port, credentials);
  stack.defer(() => closeGrpc(server, GRACE_MS));
  const http = stack.use(
    await startAdmin(config, deps.metrics.registry, {
      routes: jsonRoutes(EnrolmentService, service).filter(
        ({ method }) => method.localName === "getStatus",
      ),
      openApi: openApi("Glassline enrolment", VERSION, [EnrolmentService]),
      unreadyReason: () => signer.problem(clock.nowMs()),
    }),
  );
  const owned = stack.move();
  return {
    addresses: { port, adminPort: http.port, publicPort, publicUrl: site.publicUrl },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** DER. Rejects with OperatorError. */
async function rootCertificate({ rootCertificate: path }: EnrolmentConfig) {
  if (path === "") return undefined;
  try {
    return new X509Certificate(await readFile(path)).raw;
  } catch (error) {
    throw new OperatorError(
      `--root-certificate: got ${path}, expected a certificate in PEM: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

function forgetting(store: EnrolmentStore, { clock, logger }: AppDeps): Disposable {
  const stop = new AbortController();
  const forget = () => {
    try {
      store.forget(clock.nowMs() - FORGET_AFTER_MS);
    } catch (error) {
      logger.error({ reason: messageOf(error) }, "what counts no more cannot be forgotten");
    }
  };
  forget();
  void every(clock, FORGET_INTERVAL_MS, stop.signal, forget);
  return { [Symbol.dispose]: () => stop.abort() };
}
