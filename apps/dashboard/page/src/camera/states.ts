export type Severity = "calm" | "moving" | "bad" | "unknown";

const BAD = new Set(["fault", "covered", "moved", "defocused", "error", "failed"]);
const MOVING = new Set(["degraded", "moving", "hunting", "switching", "warning"]);

/** The name of a state's value; the number itself where the convention has no name. */
export function stateText(value: number, stateNames: Readonly<Record<string, string>>): string {
  return stateNames[String(value)] ?? String(value);
}

/** How much a named value should catch the eye. */
export function severityOf(name: string): Severity {
  if (BAD.has(name)) return "bad";
  if (MOVING.has(name)) return "moving";
  return name === "unknown" ? "unknown" : "calm";
}
