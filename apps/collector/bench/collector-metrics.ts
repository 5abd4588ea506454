/** What the collector under test counts itself, as Prometheus reads it. */

/** Sum of a metric over all its labels that match. @param name without the prefix of all. */
export async function metricOf(
  adminPort: number,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/metrics`);
  if (!answer.ok) throw new Error(`/metrics: got status ${answer.status}, expected 200`);
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  let sum = 0;
  for (const line of (await answer.text()).split("\n")) {
    const match = /^glassline_(\w+)(\{.*\})? (\S+)$/.exec(line);
    if (match?.[1] !== name || !wanted.every((label) => match[2]?.includes(label))) continue;
    sum += Number(match[3]);
  }
  return sum;
}
