/** What a channel must be like before profiles are made from it. Pure. */
import type { Channel } from "@glassline/proto/enrolment";
import {
  CONSENT_MAX_CHARS,
  DESCRIPTION_MAX_CHARS,
  EDGES_MAX,
  LIFETIME_LEAST_MS,
  LINE_MAX_CHARS,
  LINK_LIFETIME_MAX_MS,
  PATH,
  PATH_MAX_CHARS,
  TITLE_MAX_CHARS,
  TOKEN_LIFETIME_MAX_MS,
} from "@glassline/proto/enrolment-limits";

import { checkDns, checkIkev2, checkRelay, checkWifi } from "./gateway-rules.ts";
import { pngSize } from "./png-size.ts";
import { refuse } from "./refuse.ts";
import { checkLine, checkName, checkText, checkTitle } from "./texts.ts";

const ICON_MAX_BYTES = 262_144;
const ICON_MAX_PIXELS = 400;
/** Together they fit into a token of the size that edges take. */
const PROTECTED_MAX = 8;

const URL_OF_SERVER = /^https?:\/\/[^/\s,;='"?#@\\]+$/;
const PREFIX = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+\/$/;

/** Throws RpcError "invalid_argument" that names what is wrong. */
export function checkChannel(channel: Channel): void {
  checkName("channel.name", channel.name);
  if (channel.tenant !== "") checkName("channel.tenant", channel.tenant);
  checkTitle("channel.title", channel.title, TITLE_MAX_CHARS);
  checkText("channel.description", channel.description, DESCRIPTION_MAX_CHARS);
  checkLine("channel.organization", channel.organization, LINE_MAX_CHARS);
  checkText("channel.consent", channel.consent, CONSENT_MAX_CHARS);
  checkIcon(channel.icon);
  checkEdges(channel);
  checkPaths(channel);
  checkTokenLifetime(channel.tokenLifetimeMs);
  checkLinkLifetime("channel.link_lifetime_ms", channel.linkLifetimeMs);
  if (channel.dns) checkDns(channel.dns);
  if (channel.relay) checkRelay(channel.relay);
  if (channel.ikev2) checkIkev2(channel.ikev2);
  if (channel.wifi) checkWifi(channel.wifi);
}

function checkIcon(icon: Uint8Array): void {
  if (icon.length === 0) return;
  if (icon.length > ICON_MAX_BYTES)
    refuse("channel.icon", `${icon.length} bytes`, `at most ${ICON_MAX_BYTES}`);
  const size = pngSize(icon);
  if (!size) refuse("channel.icon", "other bytes", "a PNG");
  const { width, height } = size;
  if (Math.min(width, height) < 1 || Math.max(width, height) > ICON_MAX_PIXELS)
    refuse("channel.icon", `${width} x ${height}`, `at most ${ICON_MAX_PIXELS} pixels each way`);
}

function checkEdges({ edges }: Channel): void {
  if (edges.length < 1 || edges.length > EDGES_MAX)
    refuse("channel.edges", edges.length, `1 to ${EDGES_MAX}`);
  for (const { name, publicUrl } of edges) {
    checkName("name of an edge", name);
    if (!URL_OF_SERVER.test(publicUrl) || !URL.canParse(publicUrl))
      refuse(`public_url of ${name}`, publicUrl, "http(s)://HOST:PORT");
  }
  const names = edges.map(({ name }) => name);
  if (new Set(names).size < names.length) refuse("names of edges", names, "different ones");
}

function checkPaths({ path, protectedPaths }: Channel): void {
  if (path.length > PATH_MAX_CHARS || !PATH.test(path))
    refuse("channel.path", path, "the path of a playlist in a folder: /live/NAME/index.m3u8");
  if (protectedPaths.length > PROTECTED_MAX)
    refuse("channel.protected_paths", protectedPaths.length, `at most ${PROTECTED_MAX}`);
  for (const prefix of protectedPaths)
    if (prefix.length > PATH_MAX_CHARS || !PREFIX.test(prefix))
      refuse("channel.protected_paths", prefix, "the beginning of a path: /live/NAME/");
}

function checkTokenLifetime(lifetimeMs: bigint): void {
  const what = "channel.token_lifetime_ms";
  if (lifetimeMs === 0n) return;
  if (lifetimeMs < LIFETIME_LEAST_MS || lifetimeMs > TOKEN_LIFETIME_MAX_MS)
    refuse(what, Number(lifetimeMs), `0, or ${LIFETIME_LEAST_MS} to ${TOKEN_LIFETIME_MAX_MS}`);
}

/** Throws RpcError. */
export function checkLinkLifetime(what: string, lifetimeMs: bigint): void {
  if (lifetimeMs === 0n) return;
  if (lifetimeMs < LIFETIME_LEAST_MS || lifetimeMs > LINK_LIFETIME_MAX_MS)
    refuse(what, Number(lifetimeMs), `0, or ${LIFETIME_LEAST_MS} to ${LINK_LIFETIME_MAX_MS}`);
}

const DAY_MS = 86_400_000;

export const tokenLifetimeMs = ({ tokenLifetimeMs: chosen }: Channel): number =>
  chosen === 0n ? 30 * DAY_MS : Number(chosen);

export const linkLifetimeMs = ({ linkLifetimeMs: chosen }: Channel): number =>
  chosen === 0n ? DAY_MS : Number(chosen);

/** What a token opens: the protected paths, or the folder of the playlist. */
export const openedBy = ({ path, protectedPaths }: Channel): readonly string[] =>
  protectedPaths.length > 0 ? protectedPaths : [path.slice(0, path.lastIndexOf("/") + 1)];
