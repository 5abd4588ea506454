/** Debian's Icinga2 in a scratch folder, as `deploy/icinga2` expects it. */
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { promisify } from "node:util";

import type { Identity, PeerName } from "@glassline/service/identity";

import { ROOT_DIRECTORY } from "../page.ts";
import { freePort } from "@glassline/bench/ports";
import { startProgram } from "./programs.ts";
import { ICINGA2 } from "./requirements.ts";
import { eventually } from "./testbed.ts";

const DEPLOY = join(ROOT_DIRECTORY, "deploy/icinga2");
/** The common name of its certificate. */
const NODE = { role: "operator", instance: "icinga" } as const;
const NODE_NAME = `${NODE.role} ${NODE.instance}`;
/** It leaves root for a user that has no way into scratch folders. */
const ENVIRONMENT = { ...process.env, ICINGA2_USER: "root", ICINGA2_GROUP: "root" };

export interface Answer {
  status: number;
  body: { results?: { name: string; attrs: Record<string, unknown> }[] };
}

export interface Icinga extends AsyncDisposable {
  /** Of its API. */
  port: number;
  /** Asks its API with the certificate of a user. */
  ask(
    as: Identity,
    method: "DELETE" | "GET" | "POST",
    path: string,
    body?: object,
  ): Promise<Answer>;
}

/** What `icinga2 daemon -C` says. Rejects with it where it finds a mistake. */
export async function validate(directory: string, objects: string): Promise<string> {
  const words = await prepare(directory, objects);
  const { stdout } = await promisify(execFile)(ICINGA2, ["daemon", "-C", ...words], {
    env: ENVIRONMENT,
  });
  return stdout;
}

/** @param objects in Icinga's language; `deploy` includes what is shipped. */
export async function startIcinga(
  directory: string,
  objects: string,
  issue: (name: PeerName) => Promise<Identity>,
): Promise<Icinga> {
  const port = await freePort();
  const own = await issue(NODE);
  const certificates = join(directory, "data/certs");
  await mkdir(certificates, { recursive: true });
  await writeFile(join(certificates, "ca.crt"), own.ca);
  await writeFile(join(certificates, `${NODE_NAME}.crt`), own.certificate);
  await writeFile(join(certificates, `${NODE_NAME}.key`), own.privateKey, { mode: 0o600 });
  const listener = `object ApiListener "api" { bind_host = "127.0.0.1"; bind_port = ${port} }\n`;
  const words = await prepare(directory, objects + listener);
  await using stack = new AsyncDisposableStack();
  const program = stack.use(startProgram(ICINGA2, ["daemon", ...words], ENVIRONMENT));
  const ask: Icinga["ask"] = (as, method, path, body) => askIcinga(port, as, method, path, body);
  await eventually("Icinga2 answers", async () => {
    const { status } = await ask(own, "GET", "/v1").catch((error: unknown) => {
      throw new Error(program.output, { cause: error });
    });
    return status === 401 || undefined;
  });
  const running = stack.move();
  return { port, ask, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** An `include` of what is shipped. */
export const deployed = (...files: readonly string[]) =>
  files.map((file) => `include "${join(DEPLOY, file)}"\n`).join("");

/** @returns the daemon's words. */
async function prepare(directory: string, objects: string): Promise<string[]> {
  const folders = ["Config", "Data", "Log", "Cache", "Spool"].map(
    (name) => [name, name.toLowerCase()] as const,
  );
  for (const [, folder] of folders) await mkdir(join(directory, folder), { recursive: true });
  await mkdir(join(directory, "run"), { recursive: true });
  const file = join(directory, "config/icinga2.conf");
  await writeFile(file, BASE + objects);
  const constants = folders.map(
    ([name, folder]) => `-DConfiguration.${name}Dir=${join(directory, folder)}`,
  );
  return [...constants, `-DConfiguration.InitRunDir=${join(directory, "run")}`, "-c", file];
}

const BASE = `
const PluginDir = "/usr/lib/nagios/plugins"
const NodeName = "${NODE_NAME}"
const ZoneName = NodeName
include <itl>
include <plugins>
object Endpoint NodeName { }
object Zone ZoneName { endpoints = [ NodeName ] }
object CheckerComponent "checker" { }
object NotificationComponent "notification" { }
`;

function askIcinga(
  port: number,
  { ca, certificate: cert, privateKey: key }: Identity,
  method: string,
  path: string,
  body?: object,
): Promise<Answer> {
  const text = body ? JSON.stringify(body) : "";
  const headers = { accept: "application/json", "content-length": Buffer.byteLength(text) };
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: "127.0.0.1", port, path, method, headers, ca, cert, key, agent: false },
      (response) => {
        const { statusCode: status = 0 } = response;
        json(response).then(
          (told) => resolve({ status, body: told as Answer["body"] }),
          () => resolve({ status, body: {} }),
        );
      },
    );
    asked.on("error", reject).end(text);
  });
}
