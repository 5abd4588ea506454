/** What the wish of an edge must fulfil of containers, restarts, shields, tokens and caches. Pure. */
import type { EdgeSpec } from "@glassline/proto/node";
import { ContainerDriver } from "@glassline/proto/node";

import { driverName, kindOf } from "./driver-kind.ts";

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const HOST = /^[A-Za-z0-9._:-]{1,253}$/;
const IMAGE = /^[A-Za-z0-9._:/@-]{1,255}$/;
const PATH_PREFIX = /^\/[^\s?#]{0,1023}$/;
const PATHS_MAX = 256;
const SHIELDED_MAX = 256;
const TOKEN_KEYS_MAX_CHARS = 65_536;
/** Of an edge with the least store that it takes. */
const MEMORY_LEAST_BYTES = 67_108_864n;
const PAUSE_MAX_MS = 3_600_000;
const DISK_LEAST_BYTES = 67_108_864n;
const DISK_MOST_BYTES = 1_099_511_627_776n;
const CLIENT_RATE_MAX = 1_000_000;
const BLOCKING_LIFETIME_MAX_MS = 600_000;

/** Throws RpcError "invalid_argument". */
export type Refuse = (what: string, got: unknown, expected: string) => never;

export function checkEdge(edge: EdgeSpec, refuse: Refuse): void {
  checkContainer(edge, refuse);
  checkRestart(edge, refuse);
  checkRelations(edge, refuse);
  checkTokens(edge, refuse);
  checkCache(edge, refuse);
  const { name, viewerTls, publicUrl } = edge;
  if (viewerTls && !publicUrl.startsWith("https://"))
    refuse(`public_url of ${name}`, publicUrl, "https://HOST:PORT, as it has viewer_tls");
}

function checkContainer({ name, container }: EdgeSpec, refuse: Refuse): void {
  if (!container) return;
  const { driver, image, memoryMaxBytes, cpuMillis, tasksMax } = container;
  if (driverName(driver) === undefined)
    refuse(`container driver of ${name}`, driver, "a value of ContainerDriver");
  if (image !== "" && !IMAGE.test(image)) refuse(`image of ${name}`, image, "a name or a folder");
  if (driver === ContainerDriver.RUNC && image !== "" && !image.startsWith("/"))
    refuse(`image of ${name}`, image, "the folder of a root file system");
  const isProcess = kindOf({ container }) === ContainerDriver.PROCESS;
  const isLimited = memoryMaxBytes > 0n || cpuMillis > 0 || tasksMax > 0;
  if (isProcess && (isLimited || image !== ""))
    refuse(
      `container of ${name}`,
      "a child process with an image or limits",
      "another driver, or none of them",
    );
  if (memoryMaxBytes > 0n && memoryMaxBytes < MEMORY_LEAST_BYTES)
    refuse(`memory_max_bytes of ${name}`, Number(memoryMaxBytes), `at least ${MEMORY_LEAST_BYTES}`);
}

function checkRestart({ name, restart }: EdgeSpec, refuse: Refuse): void {
  if (!restart) return;
  const { pauseMs, pauseMaxMs } = restart;
  if (pauseMs === 0 || pauseMs > PAUSE_MAX_MS)
    refuse(`pause_ms of ${name}`, pauseMs, `1 to ${PAUSE_MAX_MS}`);
  if (pauseMaxMs > PAUSE_MAX_MS)
    refuse(`pause_max_ms of ${name}`, pauseMaxMs, `at most ${PAUSE_MAX_MS}`);
}

function checkRelations(edge: EdgeSpec, refuse: Refuse): void {
  const { name, host, clusterHost, clusterPort, shield, shielded, originUrl } = edge;
  for (const address of [host, clusterHost])
    if (address !== "" && !HOST.test(address)) refuse(`host of ${name}`, address, "an address");
  for (const other of [shield, ...shielded])
    if (other !== "" && (!NAME.test(other) || other === name))
      refuse(`shield of ${name}`, other, "the name of another edge");
  if (shield !== "" && !originUrl.startsWith("https://"))
    refuse(`origin_url of ${name}`, originUrl, "https://HOST:PORT, the cluster port of its shield");
  if (shielded.length > SHIELDED_MAX)
    refuse(`shielded of ${name}`, shielded.length, `at most ${SHIELDED_MAX}`);
  if (shielded.includes(shield) && shield !== "")
    refuse(`shielded of ${name}`, shield, "none that it fetches from");
  if (shielded.length > 0 && clusterPort === 0)
    refuse(`cluster_port of ${name}`, 0, "1 to 65535, as it shields others");
}

function checkTokens({ name, protectedPaths, tokenKeys }: EdgeSpec, refuse: Refuse): void {
  if (protectedPaths.length > PATHS_MAX)
    refuse(`protected_paths of ${name}`, protectedPaths.length, `at most ${PATHS_MAX}`);
  for (const path of protectedPaths)
    if (!PATH_PREFIX.test(path)) refuse(`protected path of ${name}`, path, "/BEGINNING/");
  if (tokenKeys.length > TOKEN_KEYS_MAX_CHARS)
    refuse(`token_keys of ${name}`, tokenKeys.length, `at most ${TOKEN_KEYS_MAX_CHARS} characters`);
  if (protectedPaths.length > 0 && !isKeySet(tokenKeys))
    refuse(`token_keys of ${name}`, tokenKeys.slice(0, 40), "a JWK Set: protected_paths need keys");
}

/** As the edge's own flags want it. */
function checkCache(edge: EdgeSpec, refuse: Refuse): void {
  const { name, diskMaxBytes, accessLogShare, clientRate, blockingLifetimeMs = 0 } = edge;
  const isDisk = diskMaxBytes >= DISK_LEAST_BYTES && diskMaxBytes <= DISK_MOST_BYTES;
  if (diskMaxBytes > 0n && !isDisk)
    refuse(
      `disk_max_bytes of ${name}`,
      Number(diskMaxBytes),
      `${DISK_LEAST_BYTES} to ${DISK_MOST_BYTES}`,
    );
  if (!(accessLogShare >= 0 && accessLogShare <= 1))
    refuse(`access_log_share of ${name}`, accessLogShare, "0 to 1");
  if (clientRate > CLIENT_RATE_MAX)
    refuse(`client_rate of ${name}`, clientRate, `at most ${CLIENT_RATE_MAX}`);
  if (blockingLifetimeMs > BLOCKING_LIFETIME_MAX_MS)
    refuse(
      `blocking_lifetime_ms of ${name}`,
      blockingLifetimeMs,
      `at most ${BLOCKING_LIFETIME_MAX_MS}`,
    );
}

function isKeySet(text: string): boolean {
  try {
    return Array.isArray((JSON.parse(text) as { keys?: unknown }).keys);
  } catch {
    return false;
  }
}
