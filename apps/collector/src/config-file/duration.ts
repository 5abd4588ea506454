/** Lengths of time and addresses as the OpenTelemetry Collector writes them, which is how Go does. */

const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};
const ONE = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/y;

/** "1h30m" in milliseconds. Throws an Error that says what is expected. Source: https://pkg.go.dev/time#ParseDuration */
export function durationMs(text: string): number {
  if (text === "0") return 0;
  let [sum, at] = [0, 0];
  while (at < text.length) {
    ONE.lastIndex = at;
    const match = ONE.exec(text);
    if (!match) break;
    sum += Number(match[1]) * UNITS_MS[match[2]!]!;
    at = ONE.lastIndex;
  }
  if (at === 0 || at < text.length) throw new Error("a time such as 200ms, 5s or 1h30m");
  return sum;
}

/** "HOST:PORT"; a host in brackets is an IPv6 address. Throws an Error that says what is expected. */
export function hostAndPort(text: string): { host: string; port: number } {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:/[\]]*):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match || port > 65_535) throw new Error("HOST:PORT, such as localhost:4317");
  return { host: match[1]!, port };
}
