/** A cache that is measured. */
import { spawnSync } from "node:child_process";

import type { PinnedProcess } from "@glassline/bench/pinned-process";

/** Of the store of each. */
export const MEMORY_MIB = 256;

/** What a system listens on, and what it has for it. */
export interface Place {
  /** For its files. */
  directory: string;
  port: number;
  /** With TLS and HTTP/2, where the system has them. */
  tlsPort: number;
  originPort: number;
  /** PEM, ECDSA P-256. */
  certificate: string;
  privateKey: string;
}

export interface System {
  name: string;
  /** As it says itself; undefined: it is not installed. */
  version: string | undefined;
  hasTls: boolean;
  start: (place: Place) => Promise<PinnedProcess>;
}

/** Debian keeps servers where only root looks. */
export function programOf(name: string): string {
  const path = `${process.env["PATH"] ?? ""}:/usr/sbin:/usr/local/sbin`;
  const found = spawnSync("sh", ["-c", `command -v ${name}`], { env: { PATH: path } });
  return found.stdout.toString().trim() || name;
}

export function versionOf(name: string, words: readonly string[]): string | undefined {
  const { error, stdout, stderr } = spawnSync(programOf(name), words);
  if (error) return undefined;
  return /\d+\.\d+(?:\.\d+)?/.exec(`${stdout.toString()}${stderr.toString()}`)?.[0];
}
