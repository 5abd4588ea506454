/** A whole network in one process, on real sockets: what `npm run flow` shows and the end-to-end tests use. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startCamera } from "@glassline/camera";
import { program as cameraProgram } from "@glassline/camera/config";
import type { Source } from "@glassline/camera/source";
import { startCollector } from "@glassline/collector";
import { program as collectorProgram } from "@glassline/collector/config";
import { startDashboard } from "@glassline/dashboard";
import { program as dashboardProgram } from "@glassline/dashboard/config";
import { startEdgeCache } from "@glassline/edge-cache";
import { program as edgeProgram } from "@glassline/edge-cache/config";
import { startEnrolment } from "@glassline/enrolment";
import { program as enrolmentProgram } from "@glassline/enrolment/config";
import type { ConfigOf, Program, Spec } from "@glassline/config";
import { readConfig } from "@glassline/config";
import { startMeshNode } from "@glassline/mesh-node";
import { startKme } from "@glassline/kme";
import { program as kmeProgram } from "@glassline/kme/config";
import { program as meshNodeProgram } from "@glassline/mesh-node/config";
import { startOpsBot } from "@glassline/opsbot";
import { program as opsBotProgram } from "@glassline/opsbot/config";
import { startOrigin } from "@glassline/origin";
import { program as originProgram } from "@glassline/origin/config";
import { ControlService } from "@glassline/proto/control";
import { EnrolmentService } from "@glassline/proto/enrolment";
import type { GetStatusResponse } from "@glassline/proto/mesh";
import { MeshAdminService } from "@glassline/proto/mesh";
import { QueryService } from "@glassline/proto/query";
import type { Client } from "@glassline/proto/rpc";
import { createClient } from "@glassline/proto/rpc";
import { systemClock } from "@glassline/service/clock";
import type { Identity, PeerName } from "@glassline/service/identity";
import { readIdentity } from "@glassline/service/identity";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { peerClient } from "@glassline/service/peer-client";
import { ensureDevelopmentPki, ephemeralPki } from "@glassline/service/pki";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient } from "@glassline/service/tls";
import type { TracerProvider } from "@opentelemetry/api";
import { trace } from "@opentelemetry/api";

import { flags } from "../process-plan.ts";

export interface TestbedOptions {
  /** Spans of one app instance go to this provider. */
  tracerProviderOf?: (service: string, instance: string) => TracerProvider;
  /** Folder of a development CA that others have certificates of, too; in memory when it is left out. */
  pkiDirectory?: string;
}

type Words = Parameters<typeof flags>[0];

/** A configuration from flags, as a user would give them. */
export function configOf<S extends Spec>(program: Program<S>, words: Words): ConfigOf<S> {
  const result = readConfig(program, { arguments: flags(words), environment: {} });
  if (!("config" in result)) throw new Error("got help, expected a configuration");
  return result.config;
}

export class Testbed implements AsyncDisposable {
  readonly directory: string;
  readonly #issue: (name: PeerName) => Promise<Identity>;
  readonly #options: TestbedOptions;
  readonly #stack = new AsyncDisposableStack();

  private constructor(
    directory: string,
    issue: (name: PeerName) => Promise<Identity>,
    options: TestbedOptions,
  ) {
    this.directory = directory;
    this.#issue = issue;
    this.#options = options;
    // Programs that a daemon started may write for a moment after its end.
    this.#stack.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 10 }));
  }

  static async open(options: TestbedOptions = {}): Promise<Testbed> {
    const { pkiDirectory } = options;
    const issue = pkiDirectory === undefined ? await ephemeralPki() : issuerIn(pkiDirectory);
    return new Testbed(await mkdtemp(join(tmpdir(), "glassline-")), issue, options);
  }

  async collector(words: Words = {}) {
    const config = configOf(collectorProgram, {
      "data-dir": join(this.directory, "collector"),
      port: 0,
      "admin-port": 0,
      "otlp-grpc-port": 0,
      "otlp-http-port": 0,
      ...words,
    });
    const deps = await this.deps({ role: "collector", instance: config.name });
    const startAnew = () => {};
    return this.#stack.use(await startCollector(config, { ...deps, startAnew }));
  }

  async meshNode(name: string, words: Words = {}) {
    const config = configOf(meshNodeProgram, {
      name,
      port: 0,
      "admin-port": 0,
      "data-dir": join(this.directory, name),
      ...words,
    });
    const deps = await this.deps({ role: "mesh-node", instance: name });
    return this.#stack.use(await startMeshNode(config, deps));
  }

  /** A key manager that has its quantum links' secrets in the testbed's folder. */
  async kme(name: string, words: Words = {}) {
    const config = configOf(kmeProgram, {
      name,
      port: 0,
      "grpc-port": 0,
      "admin-port": 0,
      "secret-dir": this.directory,
      ...words,
    });
    return this.#stack.use(
      await startKme(config, await this.deps({ role: "kme", instance: name })),
    );
  }

  async camera(name: string, gatewayPort: number, sources: readonly Source[], words: Words = {}) {
    const config = configOf(cameraProgram, {
      name,
      gateway: `localhost:${gatewayPort}`,
      "admin-port": 0,
      ...words,
    });
    const deps = await this.deps({ role: "camera", instance: name });
    const metrics = createMetrics("camera");
    return this.#stack.use(
      Object.assign(await startCamera(config, { ...deps, metrics, sources }), { metrics }),
    );
  }

  /** An origin; by default with the test card as channel cam-0001. */
  async origin(words: Words = {}) {
    const config = configOf(originProgram, { port: 0, "grpc-port": 0, "admin-port": 0, ...words });
    return this.#stack.use(
      await startOrigin(config, await this.deps({ role: "origin", instance: "origin" })),
    );
  }

  /** An edge in front of an origin. */
  async edge(name: string, originPort: number, words: Words = {}) {
    const config = configOf(edgeProgram, {
      name,
      port: 0,
      "grpc-port": 0,
      "admin-port": 0,
      origin: `https://localhost:${originPort}`,
      "origin-trust": "network",
      "ignore-query": "*",
      ...words,
    });
    return this.#stack.use(
      await startEdgeCache(config, await this.deps({ role: "edge-cache", instance: name })),
    );
  }

  /** Enrolment of phones, with a client of OpsBot's. */
  async enrolment(words: Words = {}) {
    const config = configOf(enrolmentProgram, {
      port: 0,
      "admin-port": 0,
      "public-port": 0,
      "data-dir": join(this.directory, "enrolment"),
      ...words,
    });
    const deps = await this.deps({ role: "enrolment", instance: config.name });
    const { addresses } = this.#stack.use(await startEnrolment(config, deps));
    const identity = await this.#issue({ role: "opsbot", instance: "opsbot" });
    const at = { name: config.name, host: "localhost", port: addresses.port };
    return {
      addresses,
      client: this.#stack.use(peerClient(EnrolmentService, at, "enrolment", identity)),
    };
  }

  /** An OpsBot that looks often. */
  async opsbot(words: Words = {}) {
    const config = configOf(opsBotProgram, {
      port: 0,
      "admin-port": 0,
      "data-dir": join(this.directory, "opsbot"),
      interval: "200ms",
      ...words,
    });
    return this.#stack.use(
      await startOpsBot(config, await this.deps({ role: "opsbot", instance: config.name })),
    );
  }

  /** The page of a collector; it must have been built. */
  async dashboard(collectorPort: number) {
    const collector = [`collector=localhost:${collectorPort}`];
    const config = configOf(dashboardProgram, { port: 0, "admin-port": 0, collector });
    const deps = await this.deps({ role: "dashboard", instance: config.name });
    return this.#stack.use(await startDashboard(config, deps));
  }

  /** What the mesh node at a port tells of itself. */
  async meshStatus(port: number): Promise<GetStatusResponse> {
    const identity = await this.#issue({ role: "operator", instance: "operator" });
    const at = { host: "localhost", port };
    using client = peerClient(MeshAdminService, at, "mesh-node", identity);
    return await client.getStatus({});
  }

  /** A client of a collector's queries. */
  async query(port: number): Promise<Client<typeof QueryService>> {
    const identity = await this.#issue({ role: "operator", instance: "test" });
    return this.#stack.use(
      createClient(
        QueryService,
        `localhost:${port}`,
        mutualTlsClient(identity, "collector"),
        TLS_CHANNEL_OPTIONS,
      ),
    );
  }

  /** As OpsBot, or whoever is named. */
  async control(port: number, as: PeerName = { role: "opsbot", instance: "opsbot" }) {
    const credentials = mutualTlsClient(await this.#issue(as), "collector");
    return this.#stack.use(
      createClient(ControlService, `localhost:${port}`, credentials, TLS_CHANNEL_OPTIONS),
    );
  }

  identity(name: PeerName): Promise<Identity> {
    return this.#issue(name);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }

  async deps(name: PeerName) {
    return {
      identity: await this.#issue(name),
      clock: systemClock,
      random: Math.random,
      logger: createLogger(name.instance, "silent"),
      metrics: createMetrics(name.instance),
      stopping: new AbortController().signal,
      tracerProvider:
        this.#options.tracerProviderOf?.(name.role, name.instance) ?? trace.getTracerProvider(),
    };
  }
}

function issuerIn(directory: string): (name: PeerName) => Promise<Identity> {
  return async (name) => {
    await ensureDevelopmentPki(directory, [name]);
    return readIdentity(directory, name);
  };
}

/** Tries until the check gives a value that is not undefined. Fails with the last error or a message after the time. */
export async function eventually<T>(
  what: string,
  check: () => Promise<T | undefined> | T | undefined,
  timeoutMs = 50_000,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  let last: unknown;
  while (performance.now() < deadlineMs) {
    try {
      const value = await check();
      if (value !== undefined) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not within ${timeoutMs} ms: ${what}`, { cause: last });
}
