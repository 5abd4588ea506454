/** Apache Traffic Server: one thread, everything in memory, read by others while it comes. */
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { startPinned } from "@glassline/bench/pinned-process";

import type { Place, System } from "./system.ts";
import { MEMORY_MIB, programOf, versionOf } from "./system.ts";

const MIB = 1_048_576;
const FOLDERS = ["etc", "cache", "log", "run", "data"] as const;

export const trafficServer: System = {
  name: "trafficserver",
  version: versionOf("traffic_server", ["-V"]),
  hasTls: true,
  start: async (place) => {
    const { directory, port, tlsPort } = place;
    await Promise.all(FOLDERS.map((folder) => mkdir(join(directory, folder))));
    for (const [path, text] of Object.entries(filesOf(place)))
      await writeFile(join(directory, path), text);
    const words = [programOf("traffic_server"), `--run-root=${directory}/root.yaml`] as const;
    return startPinned({
      words,
      env: { TS_RUNROOT: `${directory}/root.yaml` },
      ports: [port, tlsPort],
    });
  },
};

function filesOf(place: Place): Readonly<Record<string, string>> {
  const { directory, originPort, certificate, privateKey } = place;
  return {
    "root.yaml": rootOf(directory),
    "etc/records.config": recordsOf(place),
    "etc/remap.config": `map / http://127.0.0.1:${originPort}/\n`,
    "etc/storage.config": `${directory}/cache ${2 * MEMORY_MIB}M\n`,
    "etc/ssl_multicert.config": `dest_ip=* ssl_cert_name=${basename(certificate)} ssl_key_name=${basename(privateKey)}\n`,
    "etc/ip_allow.yaml":
      "ip_allow: [{ apply: in, ip_addrs: 127.0.0.1, action: allow, methods: ALL }]\n",
    "etc/plugin.config": "",
  };
}

/** Where it looks for its files, as Debian packs its programs. */
const rootOf = (directory: string): string => `prefix: /usr
exec_prefix: /usr
bindir: /usr/bin
sbindir: /usr/bin
includedir: /usr/include
libdir: /usr/lib/trafficserver
libexecdir: /usr/lib/trafficserver/modules
sysconfdir: ${directory}/etc
datadir: ${directory}/data
localstatedir: ${directory}/run
runtimedir: ${directory}/run
logdir: ${directory}/log
cachedir: ${directory}/cache
`;

/** Those who come while an object is fetched wait for it, looked at again every millisecond. */
function recordsOf({ port, tlsPort, certificate, privateKey }: Place): string {
  const local = "ip-in=127.0.0.1";
  const records: Record<string, string | number> = {
    "http.server_ports": `${port}:${local} ${tlsPort}:${local}:ssl:proto=http2;http`,
    "admin.user_id": "#-1",
    crash_log_helper: "NULL",
    "exec_thread.autoconfig": 0,
    "exec_thread.limit": 1,
    accept_threads: 0,
    "log.logging_enabled": 0,
    "cache.ram_cache.size": MEMORY_MIB * MIB,
    "cache.ram_cache_cutoff": 16 * MIB,
    "cache.enable_read_while_writer": 1,
    "http.background_fill_active_timeout": 0,
    "http.background_fill_completed_threshold": "0.0",
    "http.cache.open_read_retry_time": 1,
    "http.cache.max_open_read_retries": 1_000,
    "http.cache.open_write_fail_action": 5,
    "http.keep_alive_no_activity_timeout_in": 3_600,
    "net.default_inactivity_timeout": 3_600,
    "ssl.server.cert.path": dirname(certificate),
    "ssl.server.private_key.path": dirname(privateKey),
  };
  return Object.entries(records)
    .map(([name, value]) => `CONFIG proxy.config.${name} ${typeOf(value)} ${value}\n`)
    .join("");
}

function typeOf(value: string | number): string {
  if (typeof value === "number") return "INT";
  return /^\d+\.\d+$/.test(value) ? "FLOAT" : "STRING";
}
