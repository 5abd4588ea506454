/** Of this machine, what an edge needs in a container without an image: Node, the libraries below it, and the program, also compiled. */
import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { Bind } from "../core/oci-bundle.ts";
import type { CompiledCode } from "./compiled-code.ts";

const LIBRARIES = ["/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64"];
const NAMES = ["/etc/hosts", "/etc/nsswitch.conf", "/etc/resolv.conf", "/etc/localtime"];
/** Of the workspace; what else is in its folder, such as keys and data of development, no edge sees. */
const WORKSPACE = ["node_modules", "packages", "proto", "package.json"];

export interface HostFiles {
  binds: Bind[];
  /** Node. */
  program: string;
  /** "NAME=value" */
  environment: string[];
}

/** @param program main.ts of the edge cache. */
export async function hostFiles(program: string, compiled: CompiledCode): Promise<HostFiles> {
  await compiled.made();
  const node = await realpath(process.execPath);
  const code = codeOf(program);
  const isWithin = code.some((path) => node.startsWith(`${path}/`));
  const own = isWithin ? [] : [node];
  const paths = [...LIBRARIES, ...NAMES, ...code, ...own, compiled.directory];
  const there = paths.filter((path) => existsSync(path));
  const binds = await Promise.all(there.map(readOnly));
  return { binds, program: node, environment: [compiled.variable] };
}

/** Links are followed here: in the container there is nothing behind them. */
const readOnly = async (path: string): Promise<Bind> => ({
  source: await realpath(path),
  destination: path,
  isWritable: false,
});

function codeOf(program: string): string[] {
  const app = appOf(dirname(program));
  if (app === undefined) return [dirname(program)];
  const own = ["src", "node_modules", "package.json"].map((name) => join(app, name));
  const workspace = dirname(dirname(app));
  return [...own, ...WORKSPACE.map((name) => join(workspace, name))];
}

/** The folder of apps/edge-cache that a program is in; undefined: it is in no workspace. */
function appOf(folder: string): string | undefined {
  if (folder === dirname(folder)) return undefined;
  const isApp = existsSync(join(folder, "package.json"));
  const isInWorkspace = existsSync(join(dirname(dirname(folder)), "node_modules"));
  return isApp && isInWorkspace ? folder : appOf(dirname(folder));
}
