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
