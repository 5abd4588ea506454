/** How an app's tree is made, as commands: the Dockerfiles have them written in, `npm run image:check` runs them. */
import type { App } from "./apps.ts";
import { settingsOf, variableOf } from "./apps.ts";

const packageOf = (name: string): string => `@glassline/${name}`;

/** The app itself first. */
const workspacesOf = ({ name, children }: App): string[] => [name, ...children].map(packageOf);

const selection = (app: App): string =>
  workspacesOf(app)
    .map((name) => `--workspace=${name}`)
    .join(" ");

/** Leaves out/json (manifests and lock file) and out/full (sources) of what the app needs. */
export const pruneCommand = (app: App): string =>
  `turbo prune ${workspacesOf(app).join(" ")} --docker`;

/**
 * With the workspaces named, npm leaves out what only the root depends on: the tools, and the package `node`, which would
 * fetch a second Node. No install script is needed then, so none runs.
 */
export const installCommand = (app: App): string =>
  `npm ci --omit=dev --ignore-scripts ${selection(app)}`;

export const installForBuildCommand = (app: App): string =>
  `npm ci --ignore-scripts ${selection(app)}`;

export const buildCommand = ({ name }: App): string =>
  `npm run build --workspace=${packageOf(name)}`;

/** Files of the root that a build needs; `turbo prune` does not take them along. */
export const BUILD_FILES = ["tsconfig.base.json"] as const;

/** What a build leaves, from the root. */
export const buildOutput = ({ name }: App): string => `apps/${name}/dist`;

export const entryPoint = ({ name }: App): string => `apps/${name}/src/main.ts`;

/** Where an image expects what comes from outside. */
export const PKI_DIRECTORY = "/pki";
export const DATA_DIRECTORY = "/data";

/** Folder settings of an app that it writes to when nothing else is said. */
export const dataSettings = (app: App): string[] =>
  settingsOf(app, "DIR").filter(
    (setting) => setting !== "pkiDir" && app.program.spec[setting]?.defaultText !== "",
  );

/** The settings that an image changes; what it is asked for by flags still wins. */
export function imageEnvironment(app: App): Record<string, string> {
  const [data, ...more] = dataSettings(app);
  if (more.length > 0)
    throw new Error(`${app.name}: got folders ${[data, ...more].join(", ")}, expected one at most`);
  const values: Record<string, string> = {
    NODE_ENV: "production",
    // The container's own network: what is reached from outside is chosen where it is published.
    [variableOf(app, "host")]: "0.0.0.0",
    [variableOf(app, "adminPort")]: String(app.program.spec["adminPort"]?.defaultText),
    [variableOf(app, "pkiDir")]: PKI_DIRECTORY,
  };
  return data === undefined ? values : { ...values, [variableOf(app, data)]: DATA_DIRECTORY };
}

/** The health check: Node's arguments. It asks by a name of loopback, which the admin server always allows. */
export const healthArguments = (app: App): string[] => [
  "--input-type=module",
  "-e",
  `const { ok } = await fetch("http://127.0.0.1:" + process.env.${variableOf(app, "adminPort")} + "/livez"); process.exitCode = ok ? 0 : 1;`,
];
