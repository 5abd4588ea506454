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
    one("origin", spec.originUrl),
    one("pki-dir", pkiDir),
    one("log-level", logLevel),
    one("drain", drainMs === 0 ? "0" : `${drainMs}ms`),
    ...(spec.storeMaxBytes > 0n ? [one("memory", `${spec.storeMaxBytes}B`)] : []),
    ...(spec.host === "" ? [] : [one("host", spec.host), one("allowed-host", spec.host)]),
    ...spec.allowedOrigins.map((origin) => one("allowed-origin", origin)),
    ...(spec.viewerTls ? [one("tls-cert", viewerPairPath), one("tls-key", viewerPairPath)] : []),
    ...relationsOf(spec),
    ...tokensOf(spec, command),
  ];
}

const one = (flag: string, value: string | number) => `--${flag}=${value}`;

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
  { protectedPaths }: EdgeSpec,
  { tokenKeysPath, revocationsPath }: EdgeCommand,
): string[] {
  if (protectedPaths.length === 0) return [];
  return [
    ...protectedPaths.map((path) => one("protect", path)),
    one("token-keys", tokenKeysPath),
    one("revocations", revocationsPath),
  ];
}

/** Where it is asked whether it is ready: "127.0.0.1", "[::1]". */
export function adminHostOf({ host }: Pick<EdgeSpec, "host">): string {
  if (host === "" || host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}
