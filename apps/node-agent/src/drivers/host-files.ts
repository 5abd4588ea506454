/** Of this machine, what an edge needs in a container without an image: Node, the libraries below it, and the program. */
import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";

import type { BundledProgram } from "@glassline/bundle/bundled-program";

import type { Bind } from "../core/oci-bundle.ts";

const LIBRARIES = ["/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64"];
const NAMES = ["/etc/hosts", "/etc/nsswitch.conf", "/etc/resolv.conf", "/etc/localtime"];

export interface HostFiles {
  binds: Bind[];
  /** Node, and the program. */
  args: string[];
  /** "NAME=value" */
  environment: string[];
}

export async function hostFiles(program: BundledProgram): Promise<HostFiles> {
  await program.made();
  const node = await realpath(process.execPath);
  const paths = [...LIBRARIES, ...NAMES, node, program.directory];
  const binds = await Promise.all(paths.filter((path) => existsSync(path)).map(readOnly));
  const environment = Object.entries(program.environment).map(
    ([name, value]) => `${name}=${value}`,
  );
  return { binds, args: [node, program.path], environment };
}

/** Links are followed here: in the container there is nothing behind them. */
const readOnly = async (path: string): Promise<Bind> => ({
  source: await realpath(path),
  destination: path,
  isWritable: false,
});
