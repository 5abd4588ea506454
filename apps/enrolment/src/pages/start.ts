/** Where phones connect, as the settings say. */
import type { AppDeps } from "@glassline/service/app";
import type { KeyPair, OpenedPair } from "@glassline/service/certificate";
import { expiresMs, openKeyPair, watchKeyPair } from "@glassline/service/certificate";
import { listen } from "@glassline/service/http";
import { listenAddressOf } from "@glassline/service/listen-http";

import type { EnrolmentConfig } from "../config.ts";
import type { EnrolmentMetrics } from "../metrics.ts";
import { readAssets } from "./assets.ts";
import type { PageDeps } from "./pages.ts";
import { createPageServer } from "./server.ts";
import type { Site } from "./site.ts";
import { isInTheClear } from "./site.ts";

type Deps = Omit<AppDeps, "metrics"> & { metrics: EnrolmentMetrics } & Pick<
    PageDeps,
    "enrolments" | "store" | "tokenKey" | "materials" | "signer"
  >;

/** @param site told where it is, where the settings do not say it. @returns the port. Rejects with OperatorError. */
export async function startPages(
  config: EnrolmentConfig,
  site: Site,
  deps: Deps,
  stack: AsyncDisposableStack,
): Promise<number> {
  const { metrics, logger } = deps;
  const { tlsCert, tlsKey } = config;
  const tls = await openKeyPair(
    { flag: "--tls-cert", path: tlsCert },
    { flag: "--tls-key", path: tlsKey },
  );
  const assets = await readAssets();
  const isOverTls = tls !== undefined || site.publicUrl.startsWith("https:");
  const pageDeps: PageDeps = {
    ...deps,
    isSignerPublic: config.profileCert !== "",
    isOverTls,
    clientRate: config.clientRate,
    clientBurst: config.clientBurst,
    paths: assets.paths,
  };
  const names = site.publicUrl === "" ? [] : [new URL(site.publicUrl).hostname];
  const hosts = [...config.allowedHost, ...names];
  const { server, show } = createPageServer(pageDeps, assets, hosts, tls?.pair);
  stack.defer(() => server.close());
  const { flag, host, port: asked } = atOf(config);
  const port = await listen(server, `pages for phones (${flag})`, host, asked, {
    max: config.connections,
    openChanged: (open) => metrics.connections.set(open),
    refused: () => metrics.refused.inc({ reason: "connections" }),
  });
  if (site.publicUrl === "") site.publicUrl = `${tls ? "https" : "http"}://localhost:${port}`;
  if (isInTheClear(site))
    logger.warn({ publicUrl: site.publicUrl }, "links and tokens can be read on their way: no TLS");
  if (tls) watchCertificate(tls, show, deps, stack);
  return port;
}

function watchCertificate(
  { files, pair }: OpenedPair,
  show: (pair: KeyPair) => void,
  { clock, logger, metrics }: Deps,
  stack: AsyncDisposableStack,
): void {
  const expires = (shown: KeyPair) => metrics.certificateExpires.set(expiresMs(shown) / 1_000);
  expires(pair);
  const changed = (next: KeyPair) => {
    show(next);
    expires(next);
  };
  stack.use(watchKeyPair(files, { clock, logger, changed }));
}

/** Throws OperatorError. */
function atOf({ listen: text, host, publicPort }: EnrolmentConfig) {
  if (text === "") return { flag: "--public-port", host, port: publicPort };
  return listenAddressOf("--listen", text);
}
