/**
 * A file in the notation of the OpenTelemetry Collector -> settings of this collector, or everything that is wrong with it.
 * Pure. Source: https://opentelemetry.io/docs/collector/configuration/
 */
import type { SettingsFile } from "@glassline/config/settings-file";

import type { SignalName } from "../core/otlp-items.ts";
import { SIGNAL_NAMES } from "../core/otlp-items.ts";
import type { ExporterSettings } from "../exporters/settings.ts";
import type { ExporterComponent } from "./exporter-components.ts";
import { EXPORTERS } from "./exporter-components.ts";
import type { HealthCheck } from "./extensions.ts";
import { readExtensions } from "./extensions.ts";
import type { Lookup } from "./lookup.ts";
import { readPipelines } from "./pipelines.ts";
import { processorOf } from "./processors.ts";
import type { Setting } from "./receivers.ts";
import { otlpReceiver } from "./receivers.ts";
import type { Reading } from "./section.ts";
import { Section, meant } from "./section.ts";
import { readYaml } from "./yaml-tree.ts";

export interface CollectorFile extends SettingsFile {
  exporters: readonly ExporterSettings[];
  healthCheck: HealthCheck | undefined;
  /** What is accepted but means something else here, for the log. */
  notes: readonly string[];
}

/** @param file its name, for people. */
export function parseCollectorFile(
  text: string,
  file: string,
  lookup: Lookup,
): CollectorFile | { problems: readonly string[] } {
  const tree = readYaml(text);
  if ("problems" in tree)
    return {
      problems: tree.problems.map(({ line, column, what }) => `${file}:${line}:${column}: ${what}`),
    };
  const reading: Reading = { file, lookup, problems: [], notes: [] };
  const result = readAll(new Section(tree, "", reading), reading);
  return reading.problems.length > 0 ? { problems: reading.problems } : result;
}

function readAll(root: Section, reading: Reading): CollectorFile {
  const service = root.section("service");
  const { tokens, healthCheck } = readExtensions(root.section("extensions"), service);
  const settings: Record<string, Setting> = {};

  const receivers = components(root.section("receivers"), ["otlp", "otqmn"], (type, section) => {
    if (type === "otqmn") section.end();
    return type === "otlp" ? otlpReceiver(section, tokens) : {};
  });
  const processors = components(
    root.section("processors"),
    ["batch", "memory_limiter"],
    processorOf,
  );
  const exporters = components(
    root.section("exporters"),
    Object.keys(EXPORTERS),
    (type, section) => {
      const component = EXPORTERS[type]!(section, tokens);
      section.end();
      return component;
    },
  );
  const pipelines = readPipelines(service.section("pipelines"), {
    receivers: [...receivers.keys()],
    processors: [...processors.keys()],
    exporters: [...exporters.keys()],
  });
  const used = [...new Set(pipelines.flatMap((one) => one.receivers))].filter(
    (id) => typeOf(id) === "otlp",
  );
  if (used.length > 1)
    service.problem(
      service.placeOf("pipelines"),
      used.join(" and "),
      "one receiver otlp",
      "pipelines",
    );
  for (const id of used) Object.assign(settings, receivers.get(id));
  const limits = pipelines.flatMap((one) =>
    one.processors.flatMap((id) => processors.get(id)?.memoryLimit ?? []),
  );
  const [least] = limits.toSorted((a, b) => Number.parseInt(a.text) - Number.parseInt(b.text));
  if (least) settings["memoryLimit"] = least;
  readTelemetry(service.section("telemetry"), settings);
  service.end();
  root.end();
  return {
    settings,
    healthCheck,
    notes: reading.notes,
    exporters: [...exporters].flatMap(([name, component]) => {
      const own = pipelines.filter((one) => one.exporters.includes(name));
      if (own.length === 0)
        reading.notes.push(`exporters.${name}: is in no pipeline and has no effect`);
      if (own.length === 0 || !component) return [];
      const signals = SIGNAL_NAMES.filter((signal) => own.some((one) => one.signal === signal));
      const gather = own.flatMap((one) =>
        one.processors.map((id) => processors.get(id)?.gatherMs ?? 0),
      );
      checkSignals(name, component, signals, root);
      return [{ name, signals, ...component, gatherMs: Math.max(0, ...gather) }];
    }),
  };
}

/** Whether the exporter can have its signals: one has no address when only those of others are given. */
function checkSignals(
  name: string,
  { target }: ExporterComponent,
  signals: readonly SignalName[],
  root: Section,
): void {
  const section = root.section("exporters");
  if (target.kind === "prometheusremotewrite" && signals.some((signal) => signal !== "metrics"))
    section.problem(section.placeOf(name), `a pipeline of ${signals.join(", ")}`, "metrics", name);
  if (target.kind !== "otlphttp") return;
  for (const signal of signals)
    if (target.urls[signal] === undefined)
      section.problem(
        section.placeOf(name),
        `a pipeline of ${signal} without an address`,
        `${signal}_endpoint or endpoint`,
        name,
      );
}

function readTelemetry(telemetry: Section, settings: Record<string, Setting>): void {
  const logs = telemetry.section("logs");
  const level = logs.choice("level", ["debug", "info", "warn", "error"]);
  if (level !== undefined) settings["logLevel"] = { text: level, where: logs.whereOf("level") };
  logs.end();
  telemetry.refuse("metrics", "the collector's own metrics are at --admin-port, /metrics");
  telemetry.refuse("traces", "the collector's own spans go where OTEL_EXPORTER_OTLP_ENDPOINT says");
  telemetry.end();
}

/** Components by id, `type` or `type/name`. */
function components<T>(
  all: Section,
  types: readonly string[],
  read: (type: string, section: Section) => T,
): Map<string, T> {
  const found = new Map<string, T>();
  for (const id of all.keys) {
    const [type, section] = [typeOf(id), all.section(id)];
    if (types.includes(type)) found.set(id, read(type, section));
    else
      all.problem(
        all.placeOf(id),
        JSON.stringify(id),
        `one of ${types.join(", ")}${meant(type, types)}`,
      );
  }
  return found;
}

const typeOf = (id: string): string => id.split("/")[0]!;
