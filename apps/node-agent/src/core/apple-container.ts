/** Words for Apple's `container`, and its answers, whose form changes between versions. Source: https://github.com/apple/container (docs/command-reference.md). Pure. */
import type { EdgeSpec } from "@glassline/proto/node";

const MEBIBYTE = 1_048_576;
const MILLIS_PER_CORE = 1_000;

export interface AppleWish {
  id: string;
  spec: EdgeSpec;
  words: readonly string[];
  /** Names: the container gets the values that the program itself has, which are on no command line. */
  environment: readonly string[];
  labels: Readonly<Record<string, string>>;
  /** Folders, at the same place in the container: files alone cannot be mounted. */
  readOnly: readonly string[];
  /** Of the edge, likewise. */
  folder: string;
}

/** Words of `container run`. Throws for a limit that a virtual machine cannot have. */
export function runWords(wish: AppleWish): string[] {
  const { id, spec, words, environment, labels, readOnly, folder } = wish;
  const image = spec.container?.image ?? "";
  if (image === "") throw new Error("image: got none, expected the name of one for Linux");
  return [
    "run",
    "--detach",
    "--name",
    id,
    ...Object.entries(labels).flatMap(([name, value]) => ["--label", `${name}=${value}`]),
    ...limitsOf(spec),
    ...environment.flatMap((each) => ["--env", each]),
    ...portsOf(spec).flatMap((each) => ["--publish", each]),
    ...readOnly.flatMap((each) => ["--mount", `type=bind,source=${each},target=${each},readonly`]),
    "--volume",
    `${folder}:${folder}`,
    "--read-only",
    "--tmpfs",
    "/tmp",
    image,
    ...words,
  ];
}

/** In its virtual machine an edge listens on all addresses: those of the Mac are forwarded to it. */
export const withinMachine = (spec: EdgeSpec): EdgeSpec => ({
  ...spec,
  host: "0.0.0.0",
  clusterHost: "",
});

function portsOf({ host, clusterHost, port, grpcPort, adminPort, clusterPort }: EdgeSpec) {
  const at = (address: string, number: number) => {
    const shown = address.includes(":") ? `[${address}]` : address || "127.0.0.1";
    return `${shown}:${number}:${number}`;
  };
  const cluster = clusterPort === 0 ? [] : [at(clusterHost || host, clusterPort)];
  return [...[port, grpcPort, adminPort].map((number) => at(host, number)), ...cluster];
}

function limitsOf({ container }: EdgeSpec): string[] {
  const { memoryMaxBytes = 0n, cpuMillis = 0, tasksMax = 0 } = container ?? {};
  const mebibytes = Math.floor(Number(memoryMaxBytes) / MEBIBYTE);
  if (memoryMaxBytes > 0n && mebibytes === 0)
    throw new Error(`memory_max_bytes: got ${memoryMaxBytes}, expected at least ${MEBIBYTE}`);
  if (cpuMillis % MILLIS_PER_CORE !== 0)
    throw new Error(
      `cpu_millis: got ${cpuMillis}, expected a multiple of 1000: a virtual machine has whole cores`,
    );
  if (tasksMax > 0)
    throw new Error(`tasks_max: got ${tasksMax}, expected 0: a virtual machine has no such limit`);
  return [
    ...(mebibytes > 0 ? ["--memory", `${mebibytes}M`] : []),
    ...(cpuMillis > 0 ? ["--cpus", String(cpuMillis / MILLIS_PER_CORE)] : []),
  ];
}

export interface AppleContainer {
  id: string;
  /** "running", "stopping", "stopped"; empty: it is not told where it was looked for. */
  status: string;
  labels: Readonly<Record<string, string>>;
}

/** Of `ls` and `inspect`. Throws for what is no list. */
export function containersIn(answer: string): AppleContainer[] {
  return listIn(answer).map((each) => {
    const configuration = objectAt(each, "configuration", "config");
    const state = objectAt(each, "status", "state");
    return {
      id: textAt(configuration, "id") || textAt(each, "id", "ID", "name"),
      status: (textAt(each, "status", "state") || textAt(state, "state", "status")).toLowerCase(),
      labels: textsIn(objectAt(configuration, "labels"), objectAt(each, "labels")),
    };
  });
}

/** Of `stats`. Undefined: it is not told where it was looked for. */
export function usageIn(answer: string): { memoryBytes: number; cpuMs: number } | undefined {
  const [first] = listIn(answer);
  const memoryBytes = numberAt(first, "memoryUsageBytes", "memory_usage_bytes");
  const cpuUs = numberAt(first, "cpuUsageUsec", "cpu_usage_usec");
  return memoryBytes === undefined && cpuUs === undefined
    ? undefined
    : { memoryBytes: memoryBytes ?? 0, cpuMs: (cpuUs ?? 0) / 1_000 };
}

type Json = Record<string, unknown>;

function listIn(answer: string): Json[] {
  const parsed: unknown = JSON.parse(answer.trim() === "" ? "[]" : answer);
  const all = Array.isArray(parsed) ? parsed : [parsed];
  return all.filter((each): each is Json => typeof each === "object" && each !== null);
}

const objectAt = (from: Json | undefined, ...names: string[]): Json =>
  (names.map((name) => from?.[name]).find((value) => typeof value === "object" && value) ??
    {}) as Json;

const textAt = (from: Json | undefined, ...names: string[]): string =>
  (names.map((name) => from?.[name]).find((value) => typeof value === "string") ?? "") as string;

const numberAt = (from: Json | undefined, ...names: string[]) =>
  names.map((name) => from?.[name]).find((value) => typeof value === "number") as
    | number
    | undefined;

const textsIn = (...all: readonly Json[]): Record<string, string> =>
  Object.fromEntries(
    all
      .flatMap(Object.entries)
      .filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
