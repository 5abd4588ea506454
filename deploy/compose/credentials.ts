/**
 * What the stack in containers needs before anything starts: certificates of a development CA, and tokens as environment files.
 * Run by compose.yaml in the collector's image: node credentials.ts AUTHORITY_DIR SHARED_DIR ROLE/INSTANCE ...
 */
import { randomBytes } from "node:crypto";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { systemCodeOf } from "@glassline/service/errors";
import type { PeerName } from "@glassline/service/identity";
import { ROLES, identityFiles } from "@glassline/service/identity";
import { ensureDevelopmentPki } from "@glassline/service/pki";

const TOKEN_BYTES = 24;

/** "mesh-node/node-1" -> { role: "mesh-node", instance: "node-1" } */
export function parsePeerName(word: string): PeerName {
  const [roleWord, instance, ...rest] = word.split("/");
  const role = ROLES.find((known) => known === roleWord);
  if (!role || !instance || rest.length > 0)
    throw new Error(
      `got ${JSON.stringify(word)}, expected ROLE/INSTANCE with a role of ${ROLES.join(", ")}`,
    );
  return { role, instance };
}

/**
 * Makes what is missing or old in the authority's folder, and copies what apps may see to the shared one: all but the CA's key.
 */
export async function makeCredentials(
  authority: string,
  shared: string,
  names: readonly PeerName[],
): Promise<void> {
  await ensureDevelopmentPki(authority, names);
  await mkdir(shared, { recursive: true, mode: 0o700 });
  for (const name of names) {
    const [from, to] = [identityFiles(authority, name), identityFiles(shared, name)];
    for (const file of ["ca", "privateKey", "certificate"] as const)
      await copyFile(from[file], to[file]);
  }
  const otlpToken = await ensureToken(join(authority, "otlp.token"));
  await writeEnvironment(join(shared, "collector.env"), {
    GLASSLINE_COLLECTOR_OTLP_TOKEN: otlpToken,
  });
  const edgeToken = await ensureToken(join(authority, "edge.token"));
  await writeEnvironment(join(shared, "node-agent.env"), {
    GLASSLINE_NODE_AGENT_EDGE_TOKEN: edgeToken,
  });
  await writeEnvironment(join(shared, "opsbot.env"), { GLASSLINE_OPSBOT_EDGE_TOKEN: edgeToken });
  await writeEnvironment(join(shared, "otlp.env"), {
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${otlpToken}`,
  });
}

async function ensureToken(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if (systemCodeOf(error) !== "ENOENT") throw error;
    const token = randomBytes(TOKEN_BYTES).toString("base64url");
    await writeFile(path, `${token}\n`, { mode: 0o600 });
    return token;
  }
}

/** As Node's --env-file reads it. */
function writeEnvironment(path: string, values: Readonly<Record<string, string>>): Promise<void> {
  const lines = Object.entries(values).map(([name, value]) => `${name}=${value}\n`);
  return writeFile(path, lines.join(""), { mode: 0o600 });
}

if (import.meta.main) {
  const [authority, shared, ...words] = process.argv.slice(2);
  if (!authority || !shared) throw new Error("expected AUTHORITY_DIR SHARED_DIR ROLE/INSTANCE ...");
  await makeCredentials(authority, shared, words.map(parsePeerName));
}
