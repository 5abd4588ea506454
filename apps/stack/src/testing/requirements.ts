/** Tests that need what not every machine has: skipped visibly where it is missing, failed in CI. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";

import { test } from "vitest";

export const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
export const RECORDING = resolve(
  process.env["GLASSLINE_DATA"] ?? "../shared/data",
  "gopro-karma.mp4",
);

export const FFMPEG = process.env["FFMPEG"] ?? "/usr/bin/ffmpeg";

export const PROMETHEUS = process.env["PROMETHEUS"] ?? "/usr/bin/prometheus";
export const PROMTOOL = process.env["PROMTOOL"] ?? "/usr/bin/promtool";
export const VICTORIA_METRICS = process.env["VICTORIA_METRICS"] ?? "/usr/bin/victoria-metrics";

export const NGINX = process.env["NGINX"] ?? "/usr/sbin/nginx";
export const HAPROXY = process.env["HAPROXY"] ?? "/usr/sbin/haproxy";

export const ICINGA2 = process.env["ICINGA2"] ?? "/usr/sbin/icinga2";
const MONITORING_PLUGINS =
  process.env["MONITORING_PLUGINS"] ?? "/usr/lib/nagios/plugins/check_ping";
const PING = "/usr/bin/ping";
const RUNC = process.env["RUNC"] ?? "/usr/sbin/runc";

const TCPDUMP = process.env["TCPDUMP"] ?? "/usr/bin/tcpdump";

const VARNISH = process.env["VARNISHD"] ?? "/usr/sbin/varnishd";
const WRK = process.env["WRK"] ?? "/usr/bin/wrk";
const H2LOAD = process.env["H2LOAD"] ?? "/usr/bin/h2load";

const FILES = {
  chromium: CHROMIUM,
  ffmpeg: FFMPEG,
  recording: RECORDING,
  prometheus: PROMETHEUS,
  promtool: PROMTOOL,
  "victoria-metrics": VICTORIA_METRICS,
  nginx: NGINX,
  haproxy: HAPROXY,
  icinga2: ICINGA2,
  "monitoring-plugins": MONITORING_PLUGINS,
  ping: PING,
  runc: RUNC,
  varnish: VARNISH,
  wrk: WRK,
  h2load: H2LOAD,
  tcpdump: TCPDUMP,
} as const;

export type Requirement = keyof typeof FILES;

export function has(what: Requirement): boolean {
  return existsSync(FILES[what]);
}

/** `test`, or a visible skip that says what is missing; in CI a missing program fails instead. */
export function testWith(...what: readonly Requirement[]): typeof test | typeof test.skip {
  const missing = what.filter((one) => !has(one));
  const program = missing.find((one) => one !== "recording");
  if (program && process.env["CI"] === "true")
    throw new Error(`${FILES[program]}: no such file; CI must install ${program}`);
  if (missing.length === 0) return test;
  test.skip(`skipped: no ${missing.join(", no ")}`, () => {});
  return test.skip;
}
