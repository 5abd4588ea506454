/** What a text of the file may take from outside, in the OpenTelemetry Collector's notation. */
import type { Environment } from "@glassline/config";

export interface Lookup {
  environment: Environment;
  /** Throws an Error that names the file. */
  readFile(path: string): string;
  /** Of the machine, or of the container. */
  memoryBytes: number;
}

/** `$$`, or `${...}`. */
const PATTERN = /\$\$|\$\{([^}]*)\}/g;
const NAME = "[A-Za-z_][A-Za-z0-9_]*";
const VARIABLE = new RegExp(`^(?:env:)?(${NAME})(?::-(.*))?$`, "s");

/** `${env:NAME}`, `${env:NAME:-default}`, `${file:PATH}`; `$$` is a dollar. Throws an Error that says what was expected. */
export function expand(
  text: string,
  { environment, readFile }: Pick<Lookup, "environment" | "readFile">,
): string {
  return text.replaceAll(PATTERN, (whole, inner: string | undefined) => {
    if (whole === "$$") return "$";
    if (inner?.startsWith("file:")) return readFile(inner.slice("file:".length)).trimEnd();
    const [, name, fallback] = VARIABLE.exec(inner ?? "") ?? [];
    if (name === undefined)
      throw new Error(
        `got ${whole}, expected \${env:NAME}, \${env:NAME:-default} or \${file:PATH}`,
      );
    const value = environment[name] ?? fallback;
    if (value === undefined)
      throw new Error(`got ${whole}, expected the variable ${name} to be set, or a default`);
    return value;
  });
}
