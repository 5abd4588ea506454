/**
 * A fake of Apple's `container`: it records what it is asked, and answers in the forms of its versions. What it shall run in a "VM" runs
 * in a network namespace. Nothing here was seen on a Mac.
 */
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** "away": it cannot be asked. "young": answers have the younger form. "stuck": nothing stops. "slow": what stops takes its time. */
export type Played = "away" | "young" | "stuck" | "slow";

export interface FakeContainer extends AsyncDisposable {
  /** The program. */
  cli: string;
  /** Where it is, for a PATH. */
  folder: string;
  /** The words of each call, oldest first. @param verb undefined: of all. */
  calls(verb?: string): Promise<string[][]>;
  /** Of what is there. */
  environments(): Promise<Record<string, string>[]>;
  play(what: Played): Promise<void>;
  playNoMore(what: Played): Promise<void>;
  /** As a reboot does: what ran is there, and does not run. */
  stop(): Promise<void>;
  /** What was there is not there any more. */
  forget(): Promise<void>;
}

interface Kept {
  status: string;
  environment: Record<string, string>;
}

/** @param namespace that is the network of what runs in it. */
export async function fakeContainer(namespace = ""): Promise<FakeContainer> {
  const folder = await mkdtemp(join(tmpdir(), "glassline-container-"));
  const file = (name: string) => join(folder, name);
  await writeFile(file("container"), `#!${process.execPath}\n${SOURCE}\n`);
  await chmod(file("container"), 0o755);
  await writeFile(file("namespace"), namespace);
  await writeFile(file("calls"), "");
  await writeFile(file("state"), "[]");
  const state = async () => JSON.parse(await readFile(file("state"), "utf8")) as Kept[];
  return {
    cli: file("container"),
    folder,
    async calls(verb) {
      const lines = (await readFile(file("calls"), "utf8")).split("\n").filter(Boolean);
      const all = lines.map((line) => JSON.parse(line) as string[]);
      return verb === undefined ? all : all.filter(([first]) => first === verb);
    },
    environments: async () => (await state()).map(({ environment }) => environment),
    play: (what) => writeFile(file(what), ""),
    playNoMore: (what) => rm(file(what)),
    async stop() {
      const stopped = (await state()).map((each) => ({ ...each, status: "stopped" }));
      await writeFile(file("state"), JSON.stringify(stopped));
    },
    forget: () => writeFile(file("state"), "[]"),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

const SOURCE = `
const { spawnSync } = require("node:child_process");
const { appendFileSync, existsSync, readFileSync, writeFileSync } = require("node:fs");
const file = (name) => __dirname + "/" + name;
const words = process.argv.slice(2);
const [verb, ...rest] = words;
appendFileSync(file("calls"), JSON.stringify(words) + "\\n");
const load = () => JSON.parse(readFileSync(file("state"), "utf8"));
let all = load();
const keep = (some) => writeFileSync(file("state"), JSON.stringify(some));
const fail = (text) => { process.stderr.write("Error: " + text + "\\n"); process.exit(1); };
const isPlayed = (what) => existsSync(file(what));
const after = (flag) => words.flatMap((word, at) => (word === flag ? [words[at + 1]] : []));
const find = (id) => all.find((each) => each.id === id) ?? fail("container not found: " + id);
const turn = (id, status) => { find(id).status = status; keep(all); };
const old = ({ id, status, labels }) => ({ status, configuration: { id, labels }, networks: [] });
const young = ({ id, status, labels }) => ({ id, status: { state: status }, configuration: { labels } });
const show = (some) => console.log(JSON.stringify(some.map(isPlayed("young") ? young : old)));
const become = (program, line) => process.exit(spawnSync(program, line, { stdio: "inherit" }).status);
const id = words.at(-1);
const remove = () => { find(id); keep(all.filter((each) => each.id !== id)); };
const VERBS = {
  system: () => {},
  run() {
    if (rest[0] === "--rm") become("unshare", ["--net", ...rest.slice(rest.indexOf("ip"))]);
    const [name] = after("--name");
    if (all.some((each) => each.id === name)) fail("container already exists: " + name);
    const labels = Object.fromEntries(after("--label").map((label) => label.split("=")));
    const environment = Object.fromEntries(after("--env").map((each) => [each, process.env[each]]));
    keep([...all, { id: name, status: "running", labels, environment }]);
  },
  exec() {
    const [name, ...line] = rest[0] === "--interactive" ? rest.slice(1) : rest;
    if (find(name).status !== "running") fail("container is not running");
    become("ip", ["netns", "exec", readFileSync(file("namespace"), "utf8"), ...line]);
  },
  ls: () => show(all),
  inspect: () => show([find(id)]),
  stop() {
    if (isPlayed("stuck")) fail("timed out");
    if (isPlayed("slow")) {
      turn(id, "stopping");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500);
      all = load();
    }
    turn(id, "stopped");
  },
  kill: () => turn(id, "stopped"),
  rm: remove,
  delete: remove,
  logs: () => console.log("first line\\nlast line"),
  stats: () => console.log(JSON.stringify([{ id, cpuUsageUsec: 1500000, memoryUsageBytes: 64000000, numProcesses: 2 }])),
};
if (isPlayed("away")) fail("the apiserver is not running");
(VERBS[verb] ?? (() => fail("unknown verb " + verb)))();
`;
