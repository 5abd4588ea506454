/** `npm run token -w @glassline/opsbot`: makes a token for the API. It is shown once; the file has its hash. */
import { randomBytes } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

import type { ConfigOf, Program } from "@glassline/config";
import { choice, file, text } from "@glassline/config";
import { OperatorError, messageOf, systemCodeOf } from "@glassline/service/errors";

import { ACCESS_ROLES } from "../core/access.ts";
import { MalformedTokens, TOKENS_MAX, assertName, lineOf } from "../core/api-tokens.ts";
import { SECRET_MODE } from "../secret-file.ts";
import { readTokens, sha256Of } from "./token-store.ts";

/** By which a token is known that lies where it should not. */
const PREFIX = "glop_";
const TOKEN_BYTES = 32;

const spec = {
  role: choice({
    help: "What it lets its owner do: see, change what budgets allow, or everything.",
    default: "viewer",
    of: ACCESS_ROLES,
  }),
  name: text({ help: "Whose it is, for the journal.", default: "" }),
  apiTokens: file({
    help: "The file that OpsBot is given as --api-tokens; a line is added.",
    default: ".glassline/opsbot/api-tokens",
  }),
};

export const program: Program<typeof spec> = {
  name: "token",
  command: "npm run token -w @glassline/opsbot --",
  purpose:
    "Makes a token for OpsBot's API, and shows it once. Who takes its line out of the file ends it.",
  environmentPrefix: "GLASSLINE_TOKEN",
  spec,
};

export type ToolConfig = ConfigOf<typeof spec>;

/** @returns the token. Rejects with OperatorError. */
export async function makeToken({ role, name, apiTokens: path }: ToolConfig): Promise<string> {
  assertNamed(name);
  const token = PREFIX + randomBytes(TOKEN_BYTES).toString("base64url");
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await addLine(path, name, lineOf({ role, name, hash: sha256Of(token) }));
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    throw new OperatorError(`--api-tokens: ${messageOf(error)}`, { cause: error });
  }
  return token;
}

/** OpsBot reads it at any time: whole or not at all. The new file is there for one of two who add at once. */
async function addLine(path: string, name: string, line: string): Promise<void> {
  const temporary = `${path}.new`;
  await using added = await open(temporary, "wx", SECRET_MODE).catch((error: unknown) => {
    if (systemCodeOf(error) !== "EEXIST") throw error;
    throw new OperatorError(
      `--api-tokens: got ${temporary}, expected none: another token is being made, or making one was cut off. In that case remove it`,
    );
  });
  try {
    await added.writeFile((await othersThan(name, path)) + line);
    await added.datasync();
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The lines that are there. */
async function othersThan(name: string, path: string): Promise<string> {
  const { text, entries } = (await readTokens(path)) ?? { text: "", entries: [] };
  if (entries.some((entry) => entry.name === name))
    throw new OperatorError(`--name: got ${name}, expected a name that is not in ${path}`);
  if (entries.length === TOKENS_MAX)
    throw new OperatorError(`--api-tokens: ${path}: got ${TOKENS_MAX} tokens, expected fewer`);
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

function assertNamed(name: string): void {
  try {
    assertName(name, "--name");
  } catch (error) {
    if (!(error instanceof MalformedTokens)) throw error;
    throw new OperatorError(error.message, { cause: error });
  }
}
