/** Extensions of the file: health_check, and tokens that are used by name. */
import { hostAndPort } from "./duration.ts";
import type { Tokens } from "./parts.ts";
import type { Section } from "./section.ts";
import { meant } from "./section.ts";

export interface HealthCheck {
  host: string;
  port: number;
  path: string;
}

const TYPES = ["health_check", "bearertokenauth"];

/** Those that the service names have an effect. */
export function readExtensions(
  extensions: Section,
  service: Section,
): { tokens: Tokens; healthCheck: HealthCheck | undefined } {
  const tokens = new Map<string, string>();
  const checks = new Map<string, HealthCheck>();
  for (const id of extensions.keys) {
    const [type, section] = [id.split("/")[0]!, extensions.section(id)];
    if (type === "health_check") checks.set(id, healthCheckOf(section));
    else if (type === "bearertokenauth") tokens.set(id, tokenOf(section));
    else {
      const expected = `one of ${TYPES.join(", ")}${meant(type, TYPES)}`;
      extensions.problem(extensions.placeOf(id), JSON.stringify(id), expected);
    }
  }
  const named = service.texts("extensions");
  for (const { text, place } of named) {
    if (checks.has(text) || tokens.has(text)) continue;
    const expected = `one that is defined${meant(text, extensions.keys)}`;
    service.problem(place, JSON.stringify(text), expected, "extensions");
  }
  const ids = new Set(named.map(({ text }) => text));
  const started = [...checks].filter(([id]) => ids.has(id));
  if (started.length > 1)
    service.problem(service.placeOf("extensions"), "several health_check", "one", "extensions");
  return {
    tokens: new Map([...tokens].filter(([id]) => ids.has(id))),
    healthCheck: started[0]?.[1],
  };
}

function healthCheckOf(section: Section): HealthCheck {
  const endpoint = section.value("endpoint", hostAndPort) ?? { host: "localhost", port: 13_133 };
  const path = section.value("path", (text) => {
    if (!text.startsWith("/")) throw new Error("a path, such as /health");
    return text;
  });
  section.end();
  return {
    host: endpoint.host === "" ? "0.0.0.0" : endpoint.host.replaceAll(/[[\]]/g, ""),
    port: endpoint.port,
    path: path ?? "/",
  };
}

function tokenOf(section: Section): string {
  const scheme = section.text("scheme") ?? "Bearer";
  if (scheme !== "Bearer")
    section.problem(section.placeOf("scheme"), JSON.stringify(scheme), "Bearer", "scheme");
  const token = section.has("filename")
    ? section.content("filename")?.trim()
    : section.secret("token");
  section.has("token");
  section.end();
  if (token === "") section.problem(section.place, "an empty token", "a token");
  if (!section.has("token") && !section.has("filename"))
    section.problem(section.place, "no token", "token or filename");
  return token ?? "";
}
