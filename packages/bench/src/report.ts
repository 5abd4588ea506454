/** What a benchmark measures, what is aimed at, and what bounds it; for people. */
export function about(bench: string, text: string): void {
  process.stdout.write(`${JSON.stringify({ bench, about: text })}\n`);
}

/** One figure of a benchmark, as a line of JSON. */
export function report(
  bench: string,
  metric: string,
  value: number,
  unit: string,
  params: Readonly<Record<string, string | number | boolean>>,
): void {
  const rounded = Number(value.toPrecision(4));
  process.stdout.write(`${JSON.stringify({ bench, metric, value: rounded, unit, params })}\n`);
}
