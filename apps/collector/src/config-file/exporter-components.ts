/** Exporters of the file. */
import { MESSAGES } from "@glassline/remote-write/decode";

import type { SignalName } from "../core/otlp-items.ts";
import type { ExporterSettings } from "../exporters/settings.ts";
import { hostAndPort } from "./duration.ts";
import type { Tokens } from "./parts.ts";
import { clientTls, tokenOf } from "./parts.ts";
import type { Section } from "./section.ts";

export type ExporterComponent = Pick<ExporterSettings, "target" | "retry">;

const STANDARD_NAMES = "names and labels are as the standard has them";

type Build = (section: Section, tokens: Tokens) => ExporterComponent | undefined;

/** By the type in the component's id. Newer names of the same beside the older ones. */
export const EXPORTERS: Readonly<Record<string, Build>> = {
  otlp: overGrpc,
  otlp_grpc: overGrpc,
  otlphttp: overHttp,
  otlp_http: overHttp,
  prometheusremotewrite: remoteWrite,
  debug,
};

const FIRST_MS = 5_000;
const MAX_MS = 30_000;
const TIMEOUT_MAX_MS = 3_600_000;

function debug(section: Section): ExporterComponent {
  const verbosity = section.choice("verbosity", ["basic", "normal", "detailed"]) ?? "basic";
  if (verbosity !== "basic") section.note("verbosity", "each request is one line in the log");
  for (const key of ["sampling_initial", "sampling_thereafter", "use_internal_logger"])
    section.note(key, "has no effect: each request is one line in the log");
  return { target: { kind: "debug" }, retry: { firstMs: FIRST_MS, maxMs: MAX_MS } };
}

function overGrpc(section: Section, tokens: Tokens): ExporterComponent | undefined {
  const endpoint = section.has("endpoint")
    ? section.value("endpoint", grpcAddress)
    : missing(section);
  const common = commonOf(section, tokens, endpoint?.scheme ?? "", 5_000);
  return (
    endpoint && {
      target: { kind: "otlp", address: endpoint.address, ...common.otlp },
      retry: common.retry,
    }
  );
}

function grpcAddress(text: string): { scheme: string; address: string } {
  const [, scheme = "", address = ""] = /^(?:(https?):\/\/)?([^/]+)\/?$/.exec(text) ?? [];
  const { host, port } = hostAndPort(address);
  if (host === "") throw new Error("HOST:PORT, such as localhost:4317");
  return { scheme, address: `${host}:${port}` };
}

const PATHS: Readonly<Record<SignalName, string>> = {
  metrics: "/v1/metrics",
  traces: "/v1/traces",
  logs: "/v1/logs",
};

function overHttp(section: Section, tokens: Tokens): ExporterComponent | undefined {
  const base = section.value("endpoint", httpUrl);
  const own = {
    metrics: section.value("metrics_endpoint", httpUrl),
    traces: section.value("traces_endpoint", httpUrl),
    logs: section.value("logs_endpoint", httpUrl),
  };
  if (section.choice("encoding", ["proto", "json"]) === "json")
    section.problem(section.placeOf("encoding"), '"json"', "proto", "encoding");
  const url = (name: SignalName): string | undefined =>
    own[name] ?? (base && `${base.replace(/\/$/, "")}${PATHS[name]}`);
  const urls = { metrics: url("metrics"), traces: url("traces"), logs: url("logs") };
  const some = Object.values(urls).find((one) => one !== undefined);
  if (!some && !section.has("endpoint")) missing(section);
  const schemes = new Set(
    Object.values(urls).flatMap((one) => (one ? [new URL(one).protocol] : [])),
  );
  if (schemes.size > 1)
    section.problem(section.place, "http and https", "one of them for all signals");
  const common = commonOf(section, tokens, [...schemes][0] === "http:" ? "http" : "https", 30_000);
  if (!some) return undefined;
  const known = Object.fromEntries(Object.entries(urls).filter(([, one]) => one !== undefined));
  const target = { kind: "otlphttp", urls: known, ...common.otlp } as const;
  return { target, retry: common.retry };
}

function httpUrl(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new Error("a URL, such as https://localhost:4318");
  return text;
}

function missing(section: Section): undefined {
  section.problem(section.place, "none", "an address", "endpoint");
}

/** https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/prometheusremotewriteexporter */
function remoteWrite(section: Section, tokens: Tokens): ExporterComponent | undefined {
  const url = section.has("endpoint") ? section.value("endpoint", httpUrl) : missing(section);
  const client = clientOf(section, tokens, url?.startsWith("http:") ? "http" : "https", 5_000);
  const message = section.value("protobuf_message", (text) => {
    const found = MESSAGES.find((name) => name === text);
    if (found === undefined) throw new Error(`one of ${MESSAGES.join(", ")}`);
    return found;
  });
  const suffixes = section.toggle("add_metric_suffixes") ?? true;
  section.refuse("namespace", STANDARD_NAMES);
  standardLabels(section);
  section.refuse("target_info", "the resource is target_info, as the standard has it");
  for (const key of ["remote_write_queue", "wal", "max_batch_size_bytes"])
    section.note(key, "has no effect: the log is the queue, on disk, of --log-size");
  const retry = retryOf(section.section("retry_on_failure"));
  if (url === undefined) return undefined;
  const kind = "prometheusremotewrite";
  return { target: { kind, url, message: message ?? MESSAGES[0], suffixes, ...client }, retry };
}

/** Takes what says in words that labels are as they are anyway. */
function standardLabels(section: Section): void {
  const conversion = section.section("resource_to_telemetry_conversion");
  if (conversion.toggle("enabled") === true) conversion.refuse("enabled", STANDARD_NAMES);
  conversion.end();
  const labels = section.section("external_labels");
  for (const name of labels.keys) labels.refuse(name, STANDARD_NAMES);
}

function commonOf(section: Section, tokens: Tokens, scheme: string, timeoutMs: number) {
  const client = clientOf(section, tokens, scheme, timeoutMs);
  const compression = section.choice("compression", ["gzip", "none"]) ?? ("gzip" as const);
  const retry = retryOf(section.section("retry_on_failure"));
  queue(section.section("sending_queue"));
  return { otlp: { ...client, compression }, retry };
}

function clientOf(section: Section, tokens: Tokens, scheme: string, timeoutMs: number) {
  const token = tokenOf(section, tokens);
  const headers = headersOf(section);
  if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
  const tls = clientTls(section, scheme);
  return { headers, timeoutMs: timeout(section) ?? timeoutMs, tls };
}

function timeout(section: Section): number | undefined {
  const timeoutMs = section.durationMs("timeout");
  if (timeoutMs === undefined || (timeoutMs >= 1 && timeoutMs <= TIMEOUT_MAX_MS)) return timeoutMs;
  section.problem(
    section.placeOf("timeout"),
    `${timeoutMs} ms`,
    "a time from 1ms to 1h",
    "timeout",
  );
  return undefined;
}

function headersOf(section: Section): Record<string, string> {
  const headers: Record<string, string> = {};
  const given = section.section("headers");
  for (const name of given.keys) {
    const value = given.secret(name);
    const isName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name);
    if (!isName) given.problem(given.placeOf(name), JSON.stringify(name), "a header's name");
    else if (value !== undefined && /[^\t\x20-\x7e]/.test(value))
      given.problem(given.placeOf(name), "other characters", "printable ASCII", name);
    else if (value !== undefined) headers[name.toLowerCase()] = value;
  }
  return headers;
}

function retryOf(section: Section): ExporterSettings["retry"] {
  if (section.toggle("enabled") === false)
    section.problem(
      section.placeOf("enabled"),
      "false",
      "true: the log keeps what a target does not take",
      "enabled",
    );
  const firstMs = Math.max(1, section.durationMs("initial_interval") ?? FIRST_MS);
  const maxMs = Math.max(firstMs, section.durationMs("max_interval") ?? MAX_MS);
  if (section.durationMs("max_elapsed_time") !== 0)
    section.note(
      "max_elapsed_time",
      "has no effect: what a target does not take is sent until it does, or the log drops it",
    );
  for (const key of ["multiplier", "randomization_factor"])
    section.note(key, "has no effect: intervals double, with full jitter");
  section.end();
  return { firstMs, maxMs };
}

function queue(section: Section): void {
  section.note("enabled", "has no effect: the log is the queue");
  for (const key of [
    "num_consumers",
    "queue_size",
    "storage",
    "sizer",
    "block_on_overflow",
    "wait_for_result",
    "batch",
  ])
    section.note(
      key,
      "has no effect: the log is the queue, on disk, of --log-size; requests go one after another",
    );
  section.end();
}
