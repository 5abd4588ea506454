/** A fake of Apple's `container` that records how it is called; what it shall run in its "VM" runs in a network namespace. */
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface FakeContainer extends AsyncDisposable {
  /** The program. */
  cli: string;
  /** The words of each call, oldest first. */
  calls(): Promise<string[][]>;
  /** As a reboot does. */
  stop(): Promise<void>;
}

export async function fakeContainer(namespace: string): Promise<FakeContainer> {
  const directory = await mkdtemp(join(tmpdir(), "glassline-container-"));
  const [cli, log, state] = ["container", "calls", "running"].map((file) =>
    join(directory, file),
  ) as [string, string, string];
  await writeFile(cli, `#!${process.execPath}\n${SOURCE}\n`);
  await chmod(cli, 0o755);
  await writeFile(join(directory, "namespace"), namespace);
  await writeFile(log, "");
  return {
    cli,
    async calls() {
      const lines = (await readFile(log, "utf8")).split("\n").filter((line) => line !== "");
      return lines.map((line) => JSON.parse(line) as string[]);
    },
    stop: () => rm(state, { force: true }),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

const SOURCE = `
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const { dirname, join } = require("node:path");
const file = (name) => join(dirname(__filename), name);
const words = process.argv.slice(2);
fs.appendFileSync(file("calls"), JSON.stringify(words) + "\\n");
const running = fs.existsSync(file("running")) ? fs.readFileSync(file("running"), "utf8") : "";
const fail = (text) => { process.stderr.write("Error: " + text + "\\n"); process.exit(1); };
const [verb, ...rest] = words;
if (verb === "inspect") {
  if (running !== rest[0]) fail("container not found: " + rest[0]);
  process.stdout.write(JSON.stringify([{ status: "running", configuration: { id: rest[0] } }]));
} else if (rest[0] === "--rm") {
  const { status } = spawnSync("unshare", ["--net", ...rest.slice(rest.indexOf("ip"))], { stdio: "inherit" });
  process.exit(status);
} else if (verb === "run") fs.writeFileSync(file("running"), rest[rest.indexOf("--name") + 1]);
else if (verb === "delete") fs.rmSync(file("running"), { force: true });
else if (verb === "exec") {
  const line = rest[0] === "--interactive" ? rest.slice(1) : rest;
  if (running !== line[0]) fail("container is not running");
  const namespace = fs.readFileSync(file("namespace"), "utf8");
  const { status } = spawnSync("ip", ["netns", "exec", namespace, ...line.slice(1)], { stdio: "inherit" });
  process.exit(status);
} else if (verb !== "system") fail("unknown verb " + verb);
`;
