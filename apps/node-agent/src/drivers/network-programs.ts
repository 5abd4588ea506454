/** The programs that set up Linux' network: `ip`, `bridge`, `nft`, `ethtool`. No shell reads what they are given. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";

import { messageOf, systemCodeOf } from "@glassline/service/errors";

const TIMEOUT_MS = 20_000;
/** More for each line of a batch: to remove an interface takes the kernel some 30 ms. */
const LINE_TIMEOUT_MS = 200;
const OUTPUT_MAX_BYTES = 67_108_864;
/** Of capabilities(7). */
const CAP_NET_ADMIN = 12n;
/** Where they are, also for users whose PATH does not say so; their messages in English; none of our secrets. */
const ENVIRONMENT = {
  PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin:/usr/bin:/bin`,
  LC_ALL: "C",
  /** Of wireguard-go: else what it leaves behind holds our pipes. */
  LOG_LEVEL: "silent",
};

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Batch {
  /** One text a line that did not fail, by the line's place. */
  outputs: ReadonlyMap<number, string>;
  /** What went wrong, by the line's place. */
  failures: ReadonlyMap<number, string>;
}

export interface NetworkPrograms {
  /** @returns its output. Rejects when it fails. */
  ask(tool: "ip" | "bridge", words: readonly string[]): Promise<string>;
  /** All lines by one process; one that fails holds up no other. */
  batch(tool: "ip" | "bridge", lines: readonly string[]): Promise<Batch>;
  /** Rejects when it fails; undefined: the program is not there. */
  nft(words: readonly string[], input?: string): Promise<string | undefined>;
  /**
   * The kernel itself counts the checksums of what leaves by these interfaces.
   * @returns what went wrong, by interface; undefined: the program is not there.
   */
  checksumsOff(interfaces: readonly string[]): Promise<ReadonlyMap<string, string> | undefined>;
  has(program: "wg" | "wireguard-go"): Promise<boolean>;
  /** @returns its output. Rejects when it fails, or is not there. */
  wg(words: readonly string[]): Promise<string>;
  /** Makes an interface that lives as long as the process that it leaves behind. */
  wireguardGo(name: string): Promise<void>;
  /** The same text to all files, which may be the namespace's own. Rejects when one cannot be written. */
  write(files: readonly string[], text: string): Promise<void>;
}

/** How a program is started elsewhere: the words of the whole line. */
export type Launch = (program: string, words: readonly string[]) => readonly string[];

/** @param namespace the network namespace to work in; empty: the agent's own. */
const inNamespace = (namespace: string): Launch =>
  namespace === ""
    ? (program, words) => [program, ...words]
    : (program, words) =>
        program === "ip" || program === "bridge"
          ? [program, "-netns", namespace, ...words]
          : ["ip", "netns", "exec", namespace, program, ...words];

/** @param where a network namespace, or how programs are started where the segments are; empty: the agent's own. */
export function networkPrograms(where: string | Launch = ""): NetworkPrograms {
  const launch = typeof where === "string" ? inNamespace(where) : where;
  const isThere = typeof where === "string" ? isHere : isElsewhere(launch);
  const found = new Set<string>();
  const start = (program: string, words: readonly string[], input = "", timeoutMs = TIMEOUT_MS) => {
    const [first, ...rest] = launch(program, words);
    return run(first!, rest, input, timeoutMs);
  };
  const optional: Optional = async (program, words, input = "") => {
    if (!found.has(program)) {
      if (!(await isThere(program))) return undefined;
      found.add(program);
    }
    return output(await start(program, words, input), [program, ...words]);
  };
  const needed = async (program: string, words: readonly string[], input = "") => {
    const text = await optional(program, words, input);
    if (text === undefined) throw new Error(`got no program "${program}", expected it`);
    return text;
  };
  return {
    ask: async (tool, words) => output(await start(tool, words), [tool, ...words]),
    batch: async (tool, lines) =>
      lines.length === 0
        ? { outputs: new Map(), failures: new Map() }
        : batchOf(
            lines.length,
            await start(
              tool,
              ["-json", "-force", "-batch", "-"],
              `${lines.join("\n")}\n`,
              TIMEOUT_MS + LINE_TIMEOUT_MS * lines.length,
            ),
          ),
    nft: (words, input) => optional("nft", words, input),
    checksumsOff: (interfaces) => checksumsOff(interfaces, optional),
    has: isThere,
    wg: (words) => needed("wg", words),
    wireguardGo: async (name) => void (await needed("wireguard-go", [name])),
    write: async (files, text) => void (await needed("tee", files, text)),
  };
}

type Optional = (
  program: string,
  words: readonly string[],
  input?: string,
) => Promise<string | undefined>;

/** `ethtool` takes one interface at a time: `xargs` starts it faster than we could. */
async function checksumsOff(interfaces: readonly string[], optional: Optional) {
  const off = (name: string) => ["-K", name, "tx-checksum-ip-generic", "off"];
  const problems = new Map<string, string>();
  if (interfaces.length > 1)
    try {
      const words = ["-I", "{}", "-P", "2", "ethtool", ...off("{}")];
      if ((await optional("ethtool", ["--version"])) === undefined) return undefined;
      if ((await optional("xargs", words, interfaces.join("\n"))) !== undefined) return problems;
    } catch {
      // It does not tell which one failed.
    }
  for (const name of interfaces)
    try {
      if ((await optional("ethtool", off(name))) === undefined) return undefined;
    } catch (error) {
      problems.set(name, messageOf(error));
    }
  return problems;
}

/** @returns why this process may not set up the network; undefined: it may. */
export async function lacksNetworkAdministration(): Promise<string | undefined> {
  if (process.platform !== "linux") return `got ${process.platform}, expected Linux`;
  const status = await readFile("/proc/self/status", "utf8");
  // Programs that are started by others than root have what is ambient.
  const set = process.getuid?.() === 0 ? "CapEff" : "CapAmb";
  const capabilities = BigInt(
    `0x${new RegExp(`^${set}:\\s*([0-9a-f]+)$`, "m").exec(status)?.[1] ?? "0"}`,
  );
  if (((capabilities >> CAP_NET_ADMIN) & 1n) === 0n)
    return "got no CAP_NET_ADMIN, expected root or that capability";
  for (const program of ["ip", "bridge"])
    if (!(await isHere(program))) return `got no program "${program}", expected that of iproute2`;
  return undefined;
}

async function isHere(program: string): Promise<boolean> {
  return run(program, ["--version"]).then(
    () => true,
    (error: unknown) => {
      if (systemCodeOf(error) === "ENOENT") return false;
      throw error;
    },
  );
}

const isElsewhere = (launch: Launch) => async (program: string) => {
  const [first, ...rest] = launch(program, ["--version"]);
  return (await run(first!, rest)).code === 0;
};

/** Rejects when it cannot be run, or takes too long. */
function run(
  program: string,
  words: readonly string[],
  input = "",
  timeoutMs = TIMEOUT_MS,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      words,
      {
        env: ENVIRONMENT,
        timeout: timeoutMs,
        killSignal: "SIGKILL",
        maxBuffer: OUTPUT_MAX_BYTES,
      },
      (error, stdout, stderr) => {
        const code = error ? error.code : 0;
        if (typeof code === "number") resolve({ code, stdout, stderr });
        else reject(error!);
      },
    );
    // A program that ends before it has read everything says why by itself.
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}

function output({ code, stdout, stderr }: Ended, words: readonly string[]): string {
  if (code !== 0) throw new Error(`${words.join(" ")}: ${stderr.trim() || `exit code ${code}`}`);
  return stdout;
}

const FAILED = /^Command failed .*:(?<line>\d+)$/;

/** Messages come before the line that tells whose they are. */
function batchOf(lines: number, { stdout, stderr }: Ended): Batch {
  const failures = new Map<number, string>();
  let message: string[] = [];
  for (const text of stderr.split("\n").filter((each) => each !== "")) {
    const line = FAILED.exec(text)?.groups?.["line"];
    if (line === undefined) message.push(text);
    else {
      failures.set(Number(line) - 1, message.join("; "));
      message = [];
    }
  }
  const good = Array.from({ length: lines }, (_, at) => at).filter((at) => !failures.has(at));
  const texts = stdout.split("\n").filter((text) => text !== "");
  const outputs = new Map(good.flatMap((at, place) => (texts[place] ? [[at, texts[place]]] : [])));
  return { outputs, failures };
}
