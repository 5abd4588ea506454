/** Generates src/gen/conventions.ts and docs/camera.md from registry/camera.yaml. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

import { parse } from "yaml";

interface Entry {
  id: string;
  label: string;
  kind: "gauge" | "counter" | "state";
  unit: string;
  brief: string;
  values?: Record<string, string>;
  gpmf?: { stream?: string; components?: string[]; sticky?: string };
}

interface Registry {
  groups: { id: string; brief: string; metrics: Entry[] }[];
}

const here = new URL("../", import.meta.url);
const registry = parse(readFileSync(new URL("registry/camera.yaml", here), "utf8")) as Registry;
const metrics = registry.groups.flatMap((group) =>
  group.metrics.map((metric) => ({ ...metric, group: group.id })),
);

mkdirSync(new URL("src/gen/", here), { recursive: true });
mkdirSync(new URL("docs/", here), { recursive: true });
writeFileSync(new URL("src/gen/conventions.ts", here), typescript());
writeFileSync(new URL("docs/camera.md", here), markdown());

function typescript(): string {
  const constants = metrics.map(
    (metric) =>
      `/** ${metric.brief} */\nexport const ${constantName(metric.id)} = ${JSON.stringify(metric.id)};`,
  );
  const table = metrics.map(({ id, label, group, kind, unit, brief, values, gpmf }) => {
    const definition = {
      label,
      group,
      kind,
      unit,
      brief,
      ...(values && { values }),
      ...(gpmf && { gpmf }),
    };
    return `  ${JSON.stringify(id)}: ${JSON.stringify(definition)},`;
  });
  return `// Generated from registry/camera.yaml by \`npm run generate\`. Do not edit.

export interface MetricDefinition {
  label: string;
  group: string;
  kind: "gauge" | "counter" | "state";
  /** UCUM. */
  unit: string;
  brief: string;
  /** Names of the values of a state. */
  values?: Readonly<Record<string, string>>;
  /** Where a GoPro recording carries it. */
  gpmf?: { stream?: string; components?: readonly string[]; sticky?: string };
}

${constants.join("\n\n")}

/** Every metric of the camera.* convention, by name. */
export const METRICS: Readonly<Record<string, MetricDefinition>> = {
${table.join("\n")}
};
`;
}

function constantName(id: string): string {
  return `METRIC_${id.replaceAll(".", "_").toUpperCase()}`;
}

function markdown(): string {
  const sections = registry.groups.map(({ id, brief, metrics: entries }) => {
    const rows = entries.map(
      (entry) =>
        `| \`${entry.id}\` | ${entry.kind} | \`${entry.unit}\` | ${entry.brief}${valuesText(entry)}${gpmfText(entry)} |`,
    );
    return `## ${id}\n\n${brief}\n\n| metric | kind | unit | meaning |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n`;
  });
  return `<!-- Generated from registry/camera.yaml by \`npm run generate\`. Do not edit. -->

# The camera.* convention

Names, units (UCUM) and kinds of what a camera measures. A *gauge* is a value of the moment, a *counter* a monotonic sum
since the start of the source, a *state* a whole number with named values.

${sections.join("\n")}
## Other streams of a recording

A stream of a GoPro recording (GPMF) that no metric above names becomes \`camera.gpmf.<fourcc in lower case>\`: a gauge with the
unit as recorded and the attribute \`component\`, the index from 0. Its textual components become attributes of the camera.
`;
}

function valuesText({ values }: Entry): string {
  if (!values) return "";
  return ` Values: ${Object.entries(values)
    .map(([value, name]) => `${value} ${name}`)
    .join(", ")}.`;
}

function gpmfText({ gpmf }: Entry): string {
  if (!gpmf) return "";
  return gpmf.stream ? ` GPMF stream ${gpmf.stream}.` : ` GPMF sticky value "${gpmf.sticky}".`;
}
