/** The apps that get an image: what is known of each from its package.json and its settings. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import type { Program, Spec } from "@glassline/config";

import { environmentName } from "../../packages/config/src/program.ts";

/** Folder of the repository. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export interface App {
  /** Folder below apps/, e.g. "mesh-node"; also its role in certificates. */
  name: string;
  version: string;
  program: Program<Spec>;
  /** True when something must be built before it can start: it has a `build` script. */
  isBuilt: boolean;
  /** Apps whose programs it starts as its children, so that its image needs them too. */
  children: readonly string[];
}

/** The stack starts the others on one machine: compose.yaml takes its place. */
const WITHOUT_IMAGE = new Set(["stack"]);

/** Apps that start others as their children. */
export const CHILDREN: Readonly<Record<string, readonly string[]>> = {
  "node-agent": ["edge-cache"],
};

/** Every folder below apps/ that has a program, by name. */
export async function discoverApps(root: string): Promise<App[]> {
  const names = globSync("apps/*/package.json", { cwd: root })
    .map((path) => basename(dirname(path)))
    .filter((name) => !WITHOUT_IMAGE.has(name))
    .filter((name) => existsSync(join(root, "apps", name, "src/main.ts")))
    .toSorted();
  return Promise.all(names.map((name) => readApp(root, name)));
}

async function readApp(root: string, name: string): Promise<App> {
  const folder = join(root, "apps", name);
  const { version, scripts } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    version: string;
    scripts?: Readonly<Record<string, string>>;
  };
  const { program } = (await import(pathToFileURL(join(folder, "src/config.ts")).href)) as {
    program: Program<Spec>;
  };
  return {
    name,
    version,
    program,
    isBuilt: scripts?.["build"] !== undefined,
    children: CHILDREN[name] ?? [],
  };
}

/** Settings of a kind, by the word that stands for their value in `--help`: "PORT", "DIR". */
export function settingsOf({ program }: App, placeholder: string): string[] {
  return Object.entries(program.spec)
    .filter(([, option]) => option.placeholder === placeholder)
    .map(([setting]) => setting);
}

/** adminPort of the camera -> GLASSLINE_CAMERA_ADMIN_PORT */
export const variableOf = ({ program }: App, setting: string): string =>
  environmentName(program, setting);

/** Ports at which it listens when nothing else is said, by their settings. */
export function listeningPorts(app: App): Map<string, number> {
  const ports = settingsOf(app, "PORT").map((setting): [string, number] => [
    setting,
    Number(app.program.spec[setting]?.defaultText ?? 0),
  ]);
  // 0: it does not listen there.
  return new Map(ports.filter(([, port]) => port > 0));
}
