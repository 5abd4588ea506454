/** The service in this process, for tests: with clients of OpsBot and of a phone, and a clock that can be turned on. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readConfig } from "@glassline/config";
import { EnrolmentService } from "@glassline/proto/enrolment";
import type { Client } from "@glassline/proto/rpc";
import { systemClock } from "@glassline/service/clock";
import type { Clock } from "@glassline/service/clock";
import type { Role } from "@glassline/service/identity";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { peerClient } from "@glassline/service/peer-client";
import { ephemeralPki } from "@glassline/service/pki";
import { trace } from "@opentelemetry/api";

import { program } from "./config.ts";
import type { Enrolment } from "./enrolment.ts";
import { startEnrolment } from "./enrolment.ts";

export interface TestService extends AsyncDisposable {
  enrolment: Enrolment;
  dataDir: string;
  /** OpsBot's. */
  client: Client<typeof EnrolmentService>;
  clientOf(role: Role): Client<typeof EnrolmentService>;
  /** From now on it is so much later. */
  wait(lengthMs: number): void;
  /** Ends it, and starts it again in the same folder. */
  restart(): Promise<void>;
  /** What a phone asks for; redirects are not followed. */
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  post(path: string, body: string, headers?: Record<string, string>): Promise<Response>;
}

export async function startService(...words: readonly string[]): Promise<TestService> {
  await using stack = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), "glassline-enrolment-"));
  stack.defer(() => rm(dataDir, { recursive: true, force: true }));
  const issue = await ephemeralPki();
  let aheadMs = 0;
  const clock: Clock = {
    ...systemClock,
    nowMs: () => systemClock.nowMs() + aheadMs,
    monotonicMs: () => systemClock.monotonicMs() + aheadMs,
  };
  const given = [
    "--port=0",
    "--admin-port=0",
    "--public-port=0",
    `--data-dir=${dataDir}`,
    ...words,
  ];
  const read = readConfig(program, { arguments: given, environment: {} });
  if (!("config" in read)) throw new Error("got help, expected a configuration");
  const start = async () =>
    startEnrolment(read.config, {
      identity: await issue({ role: "enrolment", instance: "enrolment" }),
      clock,
      random: Math.random,
      logger: createLogger("enrolment", "silent"),
      metrics: createMetrics("enrolment"),
      stopping: new AbortController().signal,
      tracerProvider: trace.getTracerProvider(),
    });
  let enrolment = await start();
  stack.defer(() => enrolment[Symbol.asyncDispose]());
  const clients = new DisposableStack();
  stack.defer(() => clients.dispose());
  const known = new Map<Role, Client<typeof EnrolmentService>>();
  const identities = {
    opsbot: await issue({ role: "opsbot", instance: "opsbot" }),
    operator: await issue({ role: "operator", instance: "local" }),
    dashboard: await issue({ role: "dashboard", instance: "dashboard" }),
  };
  const clientOf = (role: Role) => {
    const found = known.get(role);
    if (found) return found;
    const to = { name: "enrolment", host: "127.0.0.1", port: enrolment.addresses.port };
    const identity = identities[role as keyof typeof identities];
    const client = clients.use(peerClient(EnrolmentService, to, "enrolment", identity));
    known.set(role, client);
    return client;
  };
  const ask = (path: string, init: RequestInit) =>
    fetch(new URL(path, `http://127.0.0.1:${enrolment.addresses.publicPort}`), {
      redirect: "manual",
      ...init,
    });
  const owned = stack.move();
  return {
    get enrolment() {
      return enrolment;
    },
    dataDir,
    get client() {
      return clientOf("opsbot");
    },
    clientOf,
    wait: (lengthMs) => (aheadMs += lengthMs),
    async restart() {
      await enrolment[Symbol.asyncDispose]();
      known.clear();
      enrolment = await start();
    },
    get: (path, headers = {}) => ask(path, { headers }),
    post: (path, body, headers = {}) =>
      ask(path, {
        method: "POST",
        body,
        headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
      }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The path of a link or an address of this service. */
export const pathOf = (url: string): string => new URL(url).pathname;

/** The page's own secret, as its form sends it. */
export function formOf(page: string): string {
  const secret = /name="page" value="([\w-]{43})"/.exec(page)?.[1];
  if (secret === undefined) throw new Error(`got ${page.slice(0, 200)}, expected a form`);
  return `page=${secret}`;
}

/** The property list in signed data that has its content as it is, and what its web clip opens. */
export function profileIn(signed: Buffer): { text: string; watchUrl: URL; token: string } {
  const [from, to] = [signed.indexOf("<?xml"), signed.indexOf("</plist>\n")];
  const text = signed.toString("utf8", from, to + "</plist>\n".length);
  const url = /<key>URL<\/key><string>([^<]+)<\/string>/.exec(text)?.[1];
  if (url === undefined) throw new Error("got a profile without a web clip, expected one");
  const watchUrl = new URL(url);
  const token = new URLSearchParams(watchUrl.hash.slice(1)).get("access_token") ?? "";
  return { text, watchUrl, token };
}
