/** A real Icinga2 in a folder of its own, on loopback. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";

import { freePort } from "@glassline/bench/ports";
import { ephemeralPki } from "@glassline/service/pki";
import { describe } from "vitest";

import { isRecord } from "../../core/json-values.ts";
import type { IcingaSettings } from "./settings.ts";

const ICINGA2 = process.env["ICINGA2"] ?? "/usr/sbin/icinga2";
const PASSWORD = "the root of the test";
/** Found when Icinga has restored its state and listens. */
const START_TIMEOUT_MS = 15_000;
const RETRY_MS = 30;

export const HAS_ICINGA = existsSync(ICINGA2);

/** `describe`, or a visible skip; in CI a missing Icinga fails instead. */
export function describeWithIcinga(): typeof describe | typeof describe.skip {
  if (HAS_ICINGA) return describe;
  if (process.env["CI"] === "true")
    throw new Error(`${ICINGA2}: no such file; CI must install icinga2-bin`);
  describe.skip("skipped: no icinga2", () => {});
  return describe.skip;
}

export interface Icinga extends AsyncDisposable {
  directory: string;
  /** OpsBot's user, by its certificate, with the rights that it needs. */
  settings: IcingaSettings;
  /** A user by its password: "opsbot-deaf" has no right to events, "opsbot-mute" may only look. */
  as(user: string, password?: string): IcingaSettings;
  /** A passive result: 0 to 3, of hosts 0 or 1. */
  result(name: string, exitStatus: number, output?: string, more?: object): Promise<void>;
  /** As its root, and it must be done. */
  act(action: string, name: string, more?: object): Promise<void>;
  /** The same result for all services, in one moment. */
  resultOfAll(exitStatus: number, output: string): Promise<void>;
  /** Attributes of a host or service. */
  attributes(name: string): Promise<Record<string, unknown>>;
  /** All comments of an object, the oldest first: "author: text". */
  comments(name: string): Promise<string[]>;
  /** SIGHUP; resolves when the new process answers. */
  reload(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM: it writes its state. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** @param objects in Icinga's language, beside those that every test has. */
export async function startIcinga(objects = EDGES): Promise<Icinga> {
  const directory = await mkdtemp(join(tmpdir(), "glassline-icinga-"));
  const port = await freePort();
  const settings = await prepare(directory, port, objects);
  const root = { ...settings, user: "root", password: PASSWORD, certificate: undefined };
  let running: ChildProcess | undefined;
  const ask = (path: string, body: unknown, method = "POST") =>
    asking({ ...root, key: undefined }, path, body, method);
  const end = async (signal: NodeJS.Signals) => {
    const child = running;
    running = undefined;
    if (child?.exitCode !== null || child.pid === undefined) return;
    const exited = once(child, "exit");
    // Its workers are a group of their own; SIGTERM is handed on to them.
    process.kill(signal === "SIGKILL" ? -child.pid : child.pid, signal);
    await exited;
  };
  const processId = async () => {
    const status = await ask("/v1/status/IcingaApplication", {}, "GET");
    return /"pid":(\d+)/.exec(status)?.[1] ?? "";
  };
  const { username } = userInfo();
  const start = async () => {
    running = spawn(ICINGA2, ["daemon", ...definitions(directory)], {
      detached: true,
      stdio: "ignore",
      // Its own user could not read this folder.
      env: { ...process.env, ICINGA2_USER: username, ICINGA2_GROUP: username },
    });
    await eventually(processId);
  };
  const act = async (action: string, name: string, more = {}) => {
    const answer = await ask(`/v1/actions/${action}`, { ...target(name), ...more });
    if (!/"code":200/.test(answer)) throw new Error(`${action} ${name}: got ${answer}`);
  };
  const about = (type: string, filter: string, name: string) =>
    ask(`/v1/objects/${type}`, { filter, filter_vars: { name } }, "GET").then(attributesIn);
  await start();
  return {
    directory,
    settings,
    as: (user, password = PASSWORD) => ({ ...root, user, password, key: undefined }),
    act,
    result: (name, exitStatus, output = `exit ${exitStatus}`, more = {}) =>
      act("process-check-result", name, {
        exit_status: exitStatus,
        plugin_output: output,
        ...more,
      }),
    resultOfAll: async (exitStatus, output) => {
      const result = { exit_status: exitStatus, plugin_output: output };
      const body = { type: "Service", filter: "true", ...result };
      const answer = await ask("/v1/actions/process-check-result", body);
      if (!/"code":200/.test(answer)) throw new Error(`all: got ${answer.slice(0, 1_000)}`);
    },
    attributes: async (name) => {
      const type = name.includes("!") ? "service" : "host";
      return (await about(`${type}s`, `${type}.__name == name`, name))[0] ?? {};
    },
    comments: async (name) => {
      const [host, service = ""] = name.split("!");
      const all = await about("comments", "comment.host_name == name", host!);
      return all
        .filter((one) => one["service_name"] === service)
        .toSorted((a, b) => Number(a["entry_time"]) - Number(b["entry_time"]))
        .map((one) => `${String(one["author"])}: ${String(one["text"])}`);
    },
    reload: async () => {
      const before = await processId();
      process.kill(running!.pid!, "SIGHUP");
      await eventually(async () => {
        if ((await processId()) === before) throw new Error("the old process still answers");
      });
    },
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
    start,
    async [Symbol.asyncDispose]() {
      await end("SIGKILL");
      await rm(directory, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/** What is looked at: two edges, of which a service is believed at the third result, and one flaps. */
export const EDGES = `
for (name in ["edge-1", "edge-2"]) {
  object Host name use (name) { import "passive-host" }
  object Service "fresh" use (name) {
    import "passive-service"
    host_name = name
    max_check_attempts = 3
    vars.glassline_object = name
    vars.glassline_check = "freshness"
  }
  object Service "hits" use (name) {
    import "passive-service"
    host_name = name
    enable_flapping = true
    vars.glassline_object = name
    vars.glassline_check = "hit-rate"
  }
}
object Host "none-of-ours" { import "passive-host" }
`;

async function prepare(directory: string, port: number, objects: string): Promise<IcingaSettings> {
  const issue = await ephemeralPki();
  const own = await issue({ role: "operator", instance: "icinga" });
  const client = await issue({ role: "opsbot", instance: "opsbot" });
  for (const folder of ["conf", "data/certs", "log", "cache", "spool", "run"])
    await mkdir(join(directory, folder), { recursive: true });
  const certificates = join(directory, "data/certs");
  await writeFile(join(certificates, "ca.crt"), own.ca);
  await writeFile(join(certificates, `${NODE_NAME}.crt`), own.certificate);
  await writeFile(join(certificates, `${NODE_NAME}.key`), own.privateKey);
  await writeFile(join(directory, "conf/icinga2.conf"), configuration(port) + objects);
  return {
    url: `https://127.0.0.1:${port}`,
    user: "",
    password: "",
    ca: own.ca,
    certificate: client.certificate,
    key: client.privateKey,
    nodeName: "localhost",
  };
}

/** As Icinga wants it: the common name of its certificate. */
const NODE_NAME = "operator icinga";

const RIGHTS = `
  "objects/query/Host", "objects/query/Service", "objects/query/Comment", "objects/query/Downtime",
  "actions/acknowledge-problem", "actions/remove-acknowledgement", "actions/add-comment",
  "actions/process-check-result", "status/query"`;

const configuration = (port: number) => `
const NodeName = "${NODE_NAME}"
const ZoneName = NodeName
include <itl>
object Endpoint NodeName { }
object Zone ZoneName { endpoints = [ NodeName ] }
object CheckerComponent "checker" { }
object NotificationComponent "notification" { }
object ApiListener "api" {
  bind_host = "127.0.0.1"
  bind_port = ${port}
}
object ApiUser "root" {
  password = "${PASSWORD}"
  permissions = [ "*" ]
}
object ApiUser "opsbot" {
  client_cn = "opsbot opsbot"
  permissions = [ ${RIGHTS}, "events/*" ]
}
object ApiUser "opsbot-deaf" {
  password = "${PASSWORD}"
  permissions = [ ${RIGHTS} ]
}
object ApiUser "opsbot-mute" {
  password = "${PASSWORD}"
  permissions = [ "objects/query/*" ]
}
template Host "passive-host" {
  check_command = "passive"
  enable_active_checks = false
  max_check_attempts = 1
}
template Service "passive-service" {
  check_command = "passive"
  enable_active_checks = false
  max_check_attempts = 1
}
`;

function definitions(directory: string): string[] {
  const folders = { Config: "conf", Data: "data", Log: "log", Cache: "cache", Spool: "spool" };
  return [
    ...Object.entries(folders).map(
      ([name, folder]) => `-DConfiguration.${name}Dir=${join(directory, folder)}`,
    ),
    `-DConfiguration.InitRunDir=${join(directory, "run")}`,
    "-c",
    join(directory, "conf/icinga2.conf"),
  ];
}

function target(name: string) {
  return name.includes("!") ? { type: "Service", service: name } : { type: "Host", host: name };
}

/** @returns what it answers, whatever that is. Rejects when it does not. */
async function asking(
  { url, ca, user, password }: IcingaSettings,
  path: string,
  body: unknown,
  method: string,
): Promise<string> {
  const bytes = Buffer.from(JSON.stringify(body));
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const call = request(
    new URL(path, url),
    {
      method: "POST",
      ca,
      servername: "localhost",
      agent: false,
      auth: `${user}:${password}`,
      headers: {
        accept: "application/json",
        "content-length": bytes.length,
        "x-http-method-override": method,
      },
    },
    (answer) => void text(answer).then(resolve, reject),
  );
  call.on("error", reject);
  call.end(bytes);
  return promise;
}

function attributesIn(answer: string): Record<string, unknown>[] {
  const json: unknown = JSON.parse(answer);
  const results: unknown = isRecord(json) ? json["results"] : undefined;
  if (!Array.isArray(results)) throw new Error(`got ${answer}, expected results`);
  return results.flatMap((one: unknown) =>
    isRecord(one) && isRecord(one["attrs"]) ? [one["attrs"]] : [],
  );
}

/** Until it does not reject. Rejects as it does when that takes too long. */
async function eventually(attempt: () => Promise<unknown>): Promise<void> {
  const untilMs = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      return void (await attempt());
    } catch (error) {
      if (performance.now() > untilMs) throw error;
      await delay(RETRY_MS);
    }
  }
}
