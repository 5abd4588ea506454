/** The command line of an edge, the same for all drivers. Pure. */
import type { EdgeSpec } from "@glassline/proto/node";

export interface EdgeCommand {
  instanceId: string;
  pkiDir: string;
  logLevel: string;
  /** Of an edge that is told to stop. */
  drainMs: number;
  /** Files of this edge, where it protects paths. */
  tokenKeysPath: string;
  revocationsPath: string;
  /** Of what it keeps on disk, and its access log, where it has them. */
  diskPath: string;
  accessLogPath: string;
  /** Certificate and key in one file, where viewers are served by TLS. */
  viewerPairPath: string;
}

export function wordsOf(spec: EdgeSpec, command: EdgeCommand): string[] {
  const { instanceId, pkiDir, logLevel, drainMs, viewerPairPath } = command;
  return [
    one("instance-id", instanceId),
    one("name", spec.name),
    one("port", spec.port),
    one("grpc-port", spec.grpcPort),
    one("admin-port", spec.adminPort),
    one("public-url", spec.publicUrl),
    ...originOf(spec),
    one("pki-dir", pkiDir),
    one("log-level", logLevel),
    one("drain", drainMs === 0 ? "0" : `${drainMs}ms`),
    ...cacheOf(spec, command),
    ...(spec.host === "" ? [] : [one("host", spec.host), one("allowed-host", spec.host)]),
    ...spec.allowedOrigins.map((origin) => one("allowed-origin", origin)),
    ...(spec.viewerTls ? [one("tls-cert", viewerPairPath), one("tls-key", viewerPairPath)] : []),
    ...relationsOf(spec),
    ...tokensOf(spec, command),
  ];
}

const one = (flag: string, value: string | number) => `--${flag}=${value}`;

/** Over TLS it is Glassline's, or another edge. */
function originOf({ originUrl, shield }: EdgeSpec): string[] {
  const origin = one("origin", originUrl);
  const isOrigin = shield === "" && originUrl.startsWith("https:");
  // In its channels a name stands for one content: viewers make no copies of it.
  const ignored = one("ignore-query", "*");
  return isOrigin ? [origin, ignored, one("origin-trust", "network")] : [origin, ignored];
}

/** Twice as much is kept of an access log. */
const ACCESS_LOG_SIZE = "32MiB";

function cacheOf(spec: EdgeSpec, { diskPath, accessLogPath }: EdgeCommand): string[] {
  const { storeMaxBytes, diskMaxBytes, accessLogShare, clientRate, blockingLifetimeMs } = spec;
  return [
    ...(storeMaxBytes > 0n ? [one("memory", `${storeMaxBytes}B`)] : []),
    ...(diskMaxBytes > 0n ? [one("disk", diskPath), one("disk-size", `${diskMaxBytes}B`)] : []),
    ...(accessLogShare > 0
      ? [
          one("access-log", accessLogPath),
          one("access-log-sample", accessLogShare),
          one("access-log-size", ACCESS_LOG_SIZE),
        ]
      : []),
    ...(clientRate > 0 ? [one("client-rate", clientRate)] : []),
    // All that it serves is of one channel.
    ...(blockingLifetimeMs === undefined
      ? []
      : [one("blocking-lifetime", `/=${blockingLifetimeMs}ms`)]),
  ];
}

/** To other edges. */
function relationsOf(spec: EdgeSpec): string[] {
  const { peers, clusterPort, clusterHost, shield, shielded } = spec;
  return [
    ...peers.map(({ name, publicUrl }) => one("peer", `${name}=${publicUrl}`)),
    ...(clusterPort > 0 ? [one("cluster-port", clusterPort)] : []),
    ...(clusterHost === "" ? [] : [one("cluster-host", clusterHost)]),
    ...peers
      .filter(({ clusterUrl }) => clusterUrl !== "")
      .map(({ name, clusterUrl }) => one("member", `${name}=${clusterUrl}`)),
    ...(shield === "" ? [] : [one("origin-edge", shield)]),
    ...shielded.map((name) => one("shielded", name)),
  ];
}

function tokensOf(
  { protectedPaths, channel }: EdgeSpec,
  { tokenKeysPath, revocationsPath }: EdgeCommand,
): string[] {
  if (protectedPaths.length === 0) return [];
  return [
    ...protectedPaths.map((path) => one("protect", path)),
    one("token-keys", tokenKeysPath),
    one("revocations", revocationsPath),
    ...(channel === "" ? [] : [one("deployed-channel", channel)]),
  ];
}

/** Where it is asked whether it is ready: "127.0.0.1", "[::1]". */
export function adminHostOf({ host }: Pick<EdgeSpec, "host">): string {
  if (host === "" || host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}
