/** Load balancers of others in front of collectors, with the configurations of deploy/load-balancer. */
import { accepts } from "@glassline/bench/ports";
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { identityFiles } from "@glassline/service/identity";
import { ensureDevelopmentPki } from "@glassline/service/pki";

import { HAPROXY, NGINX } from "./requirements.ts";
import { eventually } from "./testbed.ts";

const DEPLOY = new URL("../../../../deploy/load-balancer/", import.meta.url);

export const BALANCER = { role: "load-balancer", instance: "lb-1" } as const;

export interface BalancerOptions {
  /** Of the balancer: configuration, certificates. */
  directory: string;
  /** Where the development CA is. */
  pkiDir: string;
  port: number;
  /** Balancer ports of two collectors; the same twice for one. */
  collectors: readonly [number, number];
  /** Each request to the next collector, not to that of its sender. */
  inTurn?: boolean;
}

export interface Balancer extends AsyncDisposable {
  reload(): void;
  readonly output: string;
}

type Change = readonly [what: string, by: string];

/** Idle timeouts and the time for which old streams stay after a reload, in seconds. */
const SHORT = "3s";

export async function startNginx(options: BalancerOptions): Promise<Balancer> {
  const pki = await preparePki(options);
  const path = join(options.directory, "nginx.conf");
  await writeChanged("nginx.conf", path, [
    ["listen 7413", `listen 127.0.0.1:${options.port}`],
    ["server collector-1:7412", `server 127.0.0.1:${options.collectors[0]}`],
    ["server collector-2:7412", `server 127.0.0.1:${options.collectors[1]}`],
    ["/run/nginx.pid", join(options.directory, "nginx.pid")],
    ["worker_shutdown_timeout 10s", `worker_shutdown_timeout ${SHORT}`],
    ["client_body_timeout 10s", `client_body_timeout ${SHORT}`],
    ["grpc_read_timeout 10s", `grpc_read_timeout ${SHORT}`],
    ["grpc_send_timeout 10s", `grpc_send_timeout ${SHORT}`],
    ["/pki/", `${pki}/`],
    ...(options.inTurn ? [["hash $ssl_client_s_dn consistent;", ""] as const] : []),
  ]);
  const words = ["-c", path, "-p", options.directory, "-e", "stderr", "-g", "daemon off;"];
  return run(NGINX, words, options.port, (child) => child.kill("SIGHUP"));
}

export async function startHaproxy(options: BalancerOptions): Promise<Balancer> {
  const pki = await preparePki(options);
  const path = join(options.directory, "haproxy.cfg");
  await writeChanged("haproxy.cfg", path, [
    ["bind :7413", `bind 127.0.0.1:${options.port}`],
    ["collector-1:7412", `127.0.0.1:${options.collectors[0]}`],
    ["collector-2:7412", `127.0.0.1:${options.collectors[1]}`],
    ["hard-stop-after 10s", `hard-stop-after ${SHORT}`],
    ["timeout client 10s", `timeout client ${SHORT}`],
    ["timeout server 10s", `timeout server ${SHORT}`],
    ["/pki/", `${pki}/`],
    ...(options.inTurn ? [["balance hash ssl_c_s_dn(CN)", "balance roundrobin"] as const] : []),
  ]);
  // Master and worker: SIGUSR2 reloads.
  return run(HAPROXY, ["-W", "-f", path], options.port, (child) => child.kill("SIGUSR2"));
}

/** The balancer's folder of certificates: its own and the CA's, nothing else. */
async function preparePki({ directory, pkiDir }: BalancerOptions): Promise<string> {
  const own = join(directory, "pki");
  await mkdir(own, { recursive: true });
  await ensureDevelopmentPki(pkiDir, [BALANCER]);
  const [from, to] = [identityFiles(pkiDir, BALANCER), identityFiles(own, BALANCER)];
  await Promise.all([
    copyFile(from.ca, to.ca),
    copyFile(from.certificate, to.certificate),
    copyFile(from.privateKey, to.privateKey),
  ]);
  const [certificate, key] = await Promise.all([
    readFile(from.certificate, "utf8"),
    readFile(from.privateKey, "utf8"),
  ]);
  await writeFile(join(own, "lb-1.pem"), `${certificate}\n${key}`, { mode: 0o600 });
  return own;
}

async function writeChanged(name: string, path: string, changes: readonly Change[]): Promise<void> {
  let text = await readFile(new URL(name, DEPLOY), "utf8");
  for (const [what, by] of changes) {
    if (!text.includes(what)) throw new Error(`${name}: got no "${what}", which a test replaces`);
    text = text.replaceAll(what, by);
  }
  await writeFile(path, text);
}

async function run(
  program: string,
  words: readonly string[],
  port: number,
  reload: (child: ChildProcess) => void,
): Promise<Balancer> {
  const child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const balancer = {
    reload: () => reload(child),
    get output() {
      return output;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    },
  };
  await eventually(`${program} listens`, async () => {
    if (child.exitCode !== null) throw new Error(`${program} has ended: ${output}`);
    return (await accepts(port)) || undefined;
  });
  return balancer;
}
