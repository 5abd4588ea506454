/** Pipelines of the file: which exporter gets which signal. */
import type { SignalName } from "../core/otlp-items.ts";
import { SIGNAL_NAMES } from "../core/otlp-items.ts";
import type { Section } from "./section.ts";
import { meant } from "./section.ts";

export interface PipelineComponents {
  receivers: readonly string[];
  processors: readonly string[];
  exporters: readonly string[];
}

export interface FilePipeline extends PipelineComponents {
  signal: SignalName;
}

/** @param defined ids that pipelines may name. */
export function readPipelines(pipelines: Section, defined: PipelineComponents): FilePipeline[] {
  if (pipelines.keys.length === 0)
    pipelines.problem(pipelines.place, "none", `at least one of ${SIGNAL_NAMES.join(", ")}`);
  return pipelines.keys.flatMap((id) => {
    const section = pipelines.section(id);
    const type = id.split("/")[0]!;
    const signal = SIGNAL_NAMES.find((name) => name === type);
    if (signal === undefined) {
      const expected = `one of ${SIGNAL_NAMES.join(", ")}${meant(type, SIGNAL_NAMES)}`;
      pipelines.problem(pipelines.placeOf(id), JSON.stringify(id), expected);
      return [];
    }
    const receivers = idsOf(section, "receivers", defined.receivers);
    const processors = idsOf(section, "processors", defined.processors);
    const exporters = idsOf(section, "exporters", defined.exporters);
    for (const key of ["receivers", "exporters"])
      if (section.texts(key).length === 0)
        section.problem(section.placeOf(key), "none", "at least one", key);
    section.end();
    return [{ signal, receivers, processors, exporters }];
  });
}

function idsOf(
  section: Section,
  key: keyof PipelineComponents,
  defined: readonly string[],
): string[] {
  return section.texts(key).flatMap(({ text, place }) => {
    if (defined.includes(text)) return [text];
    const expected = `one that is defined under ${key}${meant(text, defined)}`;
    section.problem(place, JSON.stringify(text), expected, key);
    return [];
  });
}
