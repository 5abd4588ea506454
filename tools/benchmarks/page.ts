/** BENCHMARKS.md out of the lines that benchmarks print. Pure. */

/** A section of one. */
const TORTURE = /^## .*-torture$/m;

type Params = Readonly<Record<string, string | number | boolean>>;

export interface Figure {
  bench: string;
  metric: string;
  value: number;
  unit: string;
  params: Params;
}

/** What a benchmark measures, what is aimed at, and what bounds it. */
export interface About {
  bench: string;
  about: string;
}

export type Line = Figure | About;

export interface Machine {
  processor: string;
  cores: number;
  memoryGib: number;
  node: string;
  date: string;
}

/** Undefined for a line that is none of a benchmark. */
export function parseLine(text: string): Line | undefined {
  try {
    const line = JSON.parse(text) as Partial<Figure & About> | null;
    if (typeof line?.bench !== "string") return undefined;
    if (typeof line.about === "string") return { bench: line.bench, about: line.about };
    return typeof line.value === "number" ? (line as Figure) : undefined;
  } catch {
    return undefined;
  }
}

/** @param before the page as it was: its sections of torture commands, which take hours, stay as they are. */
export function writePage(lines: readonly Line[], machine: Machine, before: string): string {
  const head = `# Benchmarks

Written by \`npm run bench\`. ${machineText(machine)}.
`;
  const kept = sectionsOf(before).sections.filter((text) => TORTURE.test(text));
  return joined([head, ...benchesIn(lines).map((bench) => sectionOf(bench, lines)), ...kept]);
}

/** The page with the sections of these lines in place of its own, each with the machine that they are of; new ones come last. */
export function replaceSections(page: string, lines: readonly Line[], machine: Machine): string {
  const { head, sections } = sectionsOf(page);
  for (const bench of benchesIn(lines)) {
    // What stays when the page is written anew has its own.
    const isOfHead = head.includes(machineText(machine)) && !TORTURE.test(`## ${bench}`);
    const section = sectionOf(bench, lines, isOfHead ? undefined : machine);
    const at = sections.findIndex((text) => text.startsWith(`## ${bench}\n`));
    if (at < 0) sections.push(section);
    else sections[at] = section;
  }
  return joined([head, ...sections]);
}

function sectionsOf(page: string): { head: string; sections: string[] } {
  const [head = "", ...sections] = page.split(/^(?=## )/m);
  return { head, sections };
}

function joined(parts: readonly string[]): string {
  return parts.map((text) => `${text.trimEnd()}\n`).join("\n");
}

function benchesIn(lines: readonly Line[]): string[] {
  return [...new Set(lines.map(({ bench }) => bench))];
}

function machineText({ processor, cores, memoryGib, node, date }: Machine): string {
  return `${processor}, ${cores} cores, ${Math.round(memoryGib)} GiB; Node ${node}; ${date}`;
}

function sectionOf(bench: string, lines: readonly Line[], machine?: Machine): string {
  const own = lines.filter((line) => line.bench === bench);
  const about = new Set(own.flatMap((line) => ("about" in line ? [line.about] : [])));
  const figures = own.flatMap((line) => ("value" in line ? [line] : []));
  const names = [...new Set(figures.flatMap(({ params }) => Object.keys(params)))];
  const isCompared = figures.length > 0 && figures.every(({ params }) => "system" in params);
  // What is the same everywhere is said once.
  const isSame = (name: string) =>
    !(isCompared && name === "system") &&
    figures.every(({ params }) => params[name] === figures[0]!.params[name]);
  const said = names.filter(isSame).map((name) => `${name}: ${figures[0]!.params[name]}`);
  const shown = names.filter((name) => !isSame(name));
  const table = isCompared
    ? comparison(
        figures,
        shown.filter((name) => name !== "system"),
      )
    : list(figures, shown);
  return [
    `## ${bench}\n`,
    ...(machine ? [`Measured on: ${machineText(machine)}.\n`] : []),
    ...[...about].map((text) => `${text}\n`),
    ...(said.length > 0 ? [`${said.join(", ")}.\n`] : []),
    ...table.map((cells) => `| ${cells.join(" | ")} |`),
    "",
  ].join("\n");
}

/** A row a figure. */
function list(figures: readonly Figure[], shown: readonly string[]): string[][] {
  const rows = figures.map((figure) => [...labelOf(figure, shown), valueText(figure)]);
  return [["figure", ...shown, ""], ["---", ...shown.map(() => "---"), "---:"], ...rows];
}

/** A column a system, and a row for the figures that differ in nothing else; those of a metric stand together. */
function comparison(figures: readonly Figure[], shown: readonly string[]): string[][] {
  const systems = [...new Set(figures.map(({ params }) => String(params["system"])))];
  const together = [...Map.groupBy(figures, ({ metric }) => metric).values()].flat();
  const rows = Map.groupBy(together, (figure) => JSON.stringify(labelOf(figure, shown)));
  const cells = [...rows.values()].map((row) => [
    ...labelOf(row[0]!, shown),
    ...systems.map((system) => {
      const figure = row.find(({ params }) => params["system"] === system);
      return figure ? valueText(figure) : "";
    }),
  ]);
  const rule = [...["figure", ...shown].map(() => "---"), ...systems.map(() => "---:")];
  return [["figure", ...shown, ...systems], rule, ...cells];
}

function labelOf({ metric, params }: Figure, shown: readonly string[]): string[] {
  return [metric.replaceAll("_", " "), ...shown.map((name) => String(params[name] ?? ""))];
}

function valueText({ value, unit }: Figure): string {
  return `${numberText(value)} ${unit}`;
}

/** 23_456_000 -> "23.5 million". */
function numberText(value: number): string {
  if (Math.abs(value) >= 1e6) return `${(value / 1e6).toPrecision(3)} million`;
  return value >= 1_000 ? Math.round(value).toLocaleString("en") : String(value);
}
