/** Asks an address every 10 ms, with ping: when answers came. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

import type { Machine } from "@glassline/bench/namespaces/testing";

export const INTERVAL_MS = 10;

export interface Prober {
  /** Resolves after so many more answers. */
  answers(count: number): Promise<void>;
  /** Ends it. @returns the longest time between two answers, ms. */
  longestGapMs(): Promise<number>;
}

/** Resolves at the first answer. */
export async function probe(machine: Machine, address: string): Promise<Prober> {
  const words = `-n -D -i ${INTERVAL_MS / 1_000} ${address}`.split(" ");
  const child = spawn(
    "ip",
    ["netns", "exec", machine.namespace, "stdbuf", "-oL", "ping", ...words],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const exited = once(child, "close");
  const timesMs: number[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const seconds = /^\[([\d.]+)\] \d+ bytes from/.exec(line)?.[1];
    if (seconds === undefined) return;
    timesMs.push(Number(seconds) * 1_000);
    for (const check of waiting) check();
  });
  const answers = (count: number) =>
    new Promise<void>((resolve, reject) => {
      const enough = timesMs.length + count;
      const check = () => {
        if (timesMs.length < enough) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      void exited.then(() => reject(new Error("ping: got its end, expected more answers")));
    });
  await answers(1);
  return {
    answers,
    async longestGapMs() {
      child.kill("SIGINT");
      await exited;
      return Math.max(...timesMs.slice(1).map((atMs, at) => atMs - timesMs[at]!));
    },
  };
}
