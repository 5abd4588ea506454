/** A container of Docker for one edge. Source: https://docs.docker.com/reference/api/engine/ (ContainerCreate). Pure. */
import type { Container } from "@glassline/proto/node";

import type { Bind } from "./oci-bundle.ts";

const LOG = { Type: "json-file", Config: { "max-size": "8m", "max-file": "2" } };
const TEMPORARY = "rw,noexec,nosuid,nodev,size=64m";
const NANO_CPUS_PER_MILLI = 1_000_000;

export interface DockerWish {
  image: string;
  /** Undefined: that of the image. */
  entrypoint: readonly string[] | undefined;
  words: readonly string[];
  /** "NAME=value" */
  environment: readonly string[];
  binds: readonly Bind[];
  labels: Readonly<Record<string, string>>;
  /** "1000:1000": who may read the edge's key. */
  user: string;
  container: Container | undefined;
}

/** On the machine's own network; nothing else of the machine but what is bound. */
export function dockerWishOf(wish: DockerWish): object {
  const { memoryMaxBytes = 0n, cpuMillis = 0, tasksMax = 0 } = wish.container ?? {};
  return {
    Image: wish.image,
    ...(wish.entrypoint && { Entrypoint: wish.entrypoint }),
    Cmd: wish.words,
    Env: wish.environment,
    Labels: wish.labels,
    User: wish.user,
    // Whether it is ready the agent asks by itself.
    Healthcheck: { Test: ["NONE"] },
    HostConfig: {
      NetworkMode: "host",
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      RestartPolicy: { Name: "no" },
      LogConfig: LOG,
      Tmpfs: { "/tmp": TEMPORARY },
      Mounts: wish.binds.map(({ source, destination, isWritable }) => ({
        Type: "bind",
        Source: source,
        Target: destination,
        ReadOnly: !isWritable,
      })),
      ...(memoryMaxBytes > 0n && { Memory: Number(memoryMaxBytes) }),
      ...(cpuMillis > 0 && { NanoCpus: cpuMillis * NANO_CPUS_PER_MILLI }),
      ...(tasksMax > 0 && { PidsLimit: tasksMax }),
    },
  };
}

/** Of the warnings of dockerd, those that a limit is not kept. */
export const unkeptLimits = (warnings: readonly string[]): string[] =>
  warnings.filter((warning) => /memory|cpu|pids|limit/i.test(warning));
