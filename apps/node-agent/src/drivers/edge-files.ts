/** What an edge needs of this machine before it is started: its command line, its files, its certificate. */
import { existsSync, rmSync } from "node:fs";
import { copyFile, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

import type { EdgeSpec } from "@glassline/proto/node";
import { identityFiles } from "@glassline/service/identity";
import type { PeerName } from "@glassline/service/identity";
import { hasFreshIdentity } from "@glassline/service/pki-state";

import { wordsOf } from "../core/edge-command.ts";
import { logFilesOf } from "./edge-log.ts";

export interface EdgeFilesOptions {
  /** main.ts of the edge cache. */
  program: string;
  /** Of the agent: edges have folders below it. */
  dataDir: string;
  pkiDir: string;
  logLevel: string;
  /** Of an edge that is told to stop. */
  drainMs: number;
  /** Given to edges; not on their command line, which everybody on the machine can read. */
  adminToken: string;
  /** File with the certificate and the key that viewers are shown; empty: there is none. */
  viewerPairPath: string;
}

export interface PreparedEdge {
  /** Behind the program. */
  words: string[];
  environment: Record<string, string>;
  /** Files and folders that it reads, beyond its own folder. */
  readOnly: string[];
  /** Its own folder, which it writes to. */
  folder: string;
}

const nameOf = (edge: string): PeerName => ({ role: "edge-cache", instance: edge });

export class EdgeFiles {
  readonly program: string;
  /** Of the drivers whose edges write to files. */
  readonly logDirectory: string;
  /** What drivers keep between lives of the agent. */
  readonly dataDir: string;
  readonly #options: EdgeFilesOptions;

  constructor(options: EdgeFilesOptions) {
    this.#options = { ...options, pkiDir: resolve(options.pkiDir) };
    this.program = resolve(options.program);
    this.dataDir = resolve(options.dataDir);
    this.logDirectory = join(this.dataDir, "logs");
  }

  /** What an edge lacks of certificates, which this agent cannot make: "certificate of edge-cache edge-1"; empty: nothing. */
  lacks({ name, viewerTls }: EdgeSpec): string {
    const { pkiDir, viewerPairPath } = this.#options;
    if (viewerTls && viewerPairPath === "") return "certificate for viewers (--viewer-cert)";
    const { certificate, privateKey } = identityFiles(pkiDir, nameOf(name));
    const isThere = existsSync(certificate) && existsSync(privateKey);
    return isThere || this.#isAuthority() ? "" : `certificate of edge-cache ${name}`;
  }

  /**
   * Makes what is missing. Rejects with what the system says.
   * @param isPkiCopied its certificates are in its folder too, for a driver that can give it nothing else.
   */
  async prepare(
    spec: EdgeSpec,
    instanceId: string,
    { isPkiCopied = false }: { isPkiCopied?: boolean } = {},
  ): Promise<PreparedEdge> {
    const { logLevel, drainMs, adminToken, viewerPairPath } = this.#options;
    await this.#ensureCertificate(spec.name);
    const folder = await this.writeTokenKeys(spec);
    const pkiDir = isPkiCopied ? await this.#copyPki(spec.name, folder) : this.#options.pkiDir;
    const identity = Object.values(identityFiles(pkiDir, nameOf(spec.name)));
    const command = {
      instanceId,
      pkiDir,
      logLevel,
      drainMs,
      viewerPairPath,
      tokenKeysPath: join(folder, "token-keys.json"),
      revocationsPath: join(folder, "revocations.json"),
      diskPath: join(folder, "disk"),
      accessLogPath: join(folder, "access.log"),
    };
    return {
      words: wordsOf(spec, command),
      environment: {
        GLASSLINE_EDGE_CACHE_ADMIN_TOKEN: adminToken,
        ...(await copyAuthorities(folder)),
      },
      readOnly: [
        ...(isPkiCopied ? [] : identity),
        ...(spec.viewerTls ? [dirname(viewerPairPath)] : []),
      ],
      folder,
    };
  }

  /** An edge that runs reads them by itself. @returns its folder. */
  async writeTokenKeys({ name, tokenKeys }: EdgeSpec): Promise<string> {
    const folder = this.#folderOf(name);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, "token-keys.json");
    await writeFile(`${path}.new`, tokenKeys, { mode: 0o600 });
    await rename(`${path}.new`, path);
    return folder;
  }

  /** All that was made for an edge that is no more; a certificate that this agent cannot make again stays. Throws what the system says. */
  remove(name: string): void {
    const { certificate, privateKey } = identityFiles(this.#options.pkiDir, nameOf(name));
    const made = this.#isAuthority() ? [certificate, privateKey] : [];
    const logs = logFilesOf(this.logDirectory, name);
    for (const path of [this.#folderOf(name), ...logs, ...made])
      rmSync(path, { recursive: true, force: true });
  }

  #folderOf(name: string): string {
    return join(this.dataDir, "edges", name);
  }

  /** @returns the folder of the copies. */
  async #copyPki(edge: string, folder: string): Promise<string> {
    const to = join(folder, "pki");
    await mkdir(to, { recursive: true, mode: 0o700 });
    const sources = Object.values(identityFiles(this.#options.pkiDir, nameOf(edge)));
    await Promise.all(sources.map((source) => copyFile(source, join(to, basename(source)))));
    return to;
  }

  /** Where the folder has the key of its CA, as it has in development, the certificate is made and renewed. */
  async #ensureCertificate(edge: string): Promise<void> {
    const { pkiDir } = this.#options;
    if (!this.#isAuthority() || (await hasFreshIdentity(pkiDir, nameOf(edge)))) return;
    // The tools that make certificates take longer to load than all the rest.
    const { ensureDevelopmentPki } = await import("@glassline/service/pki");
    await ensureDevelopmentPki(pkiDir, [nameOf(edge)]);
  }

  #isAuthority(): boolean {
    return ["ca.pem", "ca.key"].every((name) => existsSync(join(this.#options.pkiDir, name)));
  }
}

/** Edges ask each other where viewers do: whom the agent trusts beside the authorities that Node knows, they trust too. */
async function copyAuthorities(folder: string): Promise<Record<string, string>> {
  const { NODE_EXTRA_CA_CERTS: source = "" } = process.env;
  if (!existsSync(source)) return {};
  const copy = join(folder, "authorities.pem");
  // Not with its mode: it is written again at the next start.
  await writeFile(copy, await readFile(source));
  return { NODE_EXTRA_CA_CERTS: copy };
}
