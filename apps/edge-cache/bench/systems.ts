/** Caches in front of the benchmarks' origin: Glassline's edge, and the peers of Debian, tuned, each on one core. */
import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { startPinned } from "@glassline/bench/pinned-process";
import { freePorts } from "@glassline/bench/ports";
import { identityFiles } from "@glassline/service/identity";
import { ensureDevelopmentPki } from "@glassline/service/pki";

import type { Running, Started } from "./running.ts";
import type { Place, System } from "./system.ts";
import { MEMORY_MIB, programOf, versionOf } from "./system.ts";
import { trafficServer } from "./traffic-server.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
/** Whose certificate all systems show. */
const SHOWN = { role: "edge-cache", instance: "edge-1" } as const;

/** @param more flags. */
export const glasslineWith = (name: string, more: readonly string[]): System => ({
  name,
  version: process.version,
  hasTls: true,
  start: async ({ directory, port, tlsPort, originPort, certificate, privateKey }) => {
    const [grpcPort, adminPort] = await freePorts(2);
    const words = [
      `--origin=http://127.0.0.1:${originPort}`,
      `--listen=127.0.0.1:${tlsPort}`,
      `--tls-cert=${certificate}`,
      `--tls-key=${privateKey}`,
      `--plain-listen=127.0.0.1:${port}`,
      `--grpc-port=${grpcPort}`,
      `--admin-port=${adminPort}`,
      `--pki-dir=${join(directory, "pki")}`,
      `--memory=${MEMORY_MIB}MiB`,
      "--client-timeout=1h",
      "--log-level=warn",
      ...more,
    ];
    return startPinned({ words: [process.execPath, MAIN, ...words], ports: [port, tlsPort] });
  },
});

export const glassline = glasslineWith("glassline", []);

export const nginx: System = {
  name: "nginx",
  version: versionOf("nginx", ["-v"]),
  hasTls: true,
  start: async (place) => {
    const { directory, port } = place;
    const path = join(directory, "nginx.conf");
    await writeFile(path, nginxConfiguration(place));
    const words = [programOf("nginx"), "-e", "stderr", "-p", directory, "-c", path] as const;
    return startPinned({ words, ports: [port] });
  },
};

/** What it caches lies in the page cache. Without sendfile, which is slow on loopback. */
function nginxConfiguration({
  directory,
  port,
  tlsPort,
  originPort,
  certificate,
  privateKey,
}: Place): string {
  return `daemon off; worker_processes 1; pid ${directory}/nginx.pid; user root;
events { worker_connections 16384; }
http {
  access_log off; sendfile off; output_buffers 1 2m; tcp_nopush off; tcp_nodelay on;
  keepalive_timeout 300; keepalive_requests 100000000;
  proxy_cache_path ${directory}/cache keys_zone=all:16m max_size=1g inactive=1h use_temp_path=off;
  upstream origin { server 127.0.0.1:${originPort}; keepalive 64; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    listen 127.0.0.1:${tlsPort} ssl http2 backlog=4096;
    ssl_certificate ${certificate}; ssl_certificate_key ${privateKey}; ssl_protocols TLSv1.2 TLSv1.3;
    location / {
      proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_cache all; proxy_cache_lock on; proxy_cache_revalidate on;
      add_header X-Cache $upstream_cache_status;
    }
  }
}
`;
}

export const varnish: System = {
  name: "varnish",
  version: versionOf("varnishd", ["-V"]),
  hasTls: false,
  start: async ({ directory, port, originPort }) => {
    const path = join(directory, "default.vcl");
    await writeFile(
      path,
      `vcl 4.1; backend default { .host = "127.0.0.1"; .port = "${originPort}"; }\n`,
    );
    const settings = [
      "default_ttl=0",
      "default_grace=0",
      "default_keep=3600",
      "timeout_idle=3600",
      "thread_pools=1",
      "thread_pool_min=50",
    ];
    const words = [
      programOf("varnishd"),
      "-F",
      "-jnone",
      `-n${join(directory, "varnish")}`,
      `-f${path}`,
      `-a127.0.0.1:${port}`,
      `-smalloc,${MEMORY_MIB}m`,
      ...settings.map((setting) => `-p${setting}`),
    ] as [string, ...string[]];
    return startPinned({ words, ports: [port] });
  },
};

/** Those that are installed. */
export const SYSTEMS = [glassline, nginx, varnish, trafficServer].filter(
  ({ version }) => version !== undefined,
);

/** @param directory for the files of all systems, and the certificate that they show. */
export async function startIn(
  system: System,
  directory: string,
  originPort: number,
): Promise<Running> {
  const { name, hasTls } = system;
  const pkiDir = join(directory, "pki");
  await ensureDevelopmentPki(pkiDir, [SHOWN]);
  const { certificate, privateKey } = identityFiles(pkiDir, SHOWN);
  const anew = async (): Promise<Started> => {
    const own = await mkdtemp(join(directory, `${name}-`));
    const [port, tlsPort] = (await freePorts(2)) as [number, number];
    const place = { directory: own, port, tlsPort, originPort, certificate, privateKey };
    const process = await system.start(place);
    return {
      process,
      port,
      tlsPort: hasTls ? tlsPort : undefined,
      [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
    };
  };
  return { name, anew, ...(await anew()) };
}
