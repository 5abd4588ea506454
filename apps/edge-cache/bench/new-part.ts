/** Many viewers ask for one part that is new, at the same moment: how long each waits for its first and for its last byte. */
import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:net";

import { about, report } from "@glassline/bench/report";

import { PART_MS, partPath } from "./origin.ts";
import type { Running } from "./running.ts";

const BENCH = "edge-new-part";
const VIEWERS = 500;
/** Counted apart: compilers have to see the code. */
const WARMUP_ROUNDS = 20;

export async function measureNewPart(systems: readonly Running[], isQuick: boolean): Promise<void> {
  about(
    BENCH,
    `${VIEWERS} viewers on open connections ask for one part of 30 kB that nobody has asked for, all at once; each round has a new part, systems in turn. Waits are counted from the ` +
      `first request, less the ${PART_MS} ms that the origin takes. Goal: 20 ms to the first byte (p99), and ahead of both peers. The first ${WARMUP_ROUNDS} rounds of each are told apart (warm: false). The viewers are one process on a core of its own, whose own work is in all figures. What bounds the p99: V8's compilers and its collector share the one core with the answers; where neither works in a round, its slowest viewer waits 14 to 20 ms.`,
  );
  const [warmups, rounds] = isQuick ? [3, 3] : [WARMUP_ROUNDS, 40];
  const crowds = await Promise.all(
    systems.map(async (system) => ({ ...system, viewers: await crowd(system.port) })),
  );
  let part = 0;
  for (const { warm, count } of [
    { warm: false, count: warmups },
    { warm: true, count: rounds },
  ]) {
    const waits = new Map(systems.map(({ name }) => [name, noWaits()]));
    for (let round = 0; round < count; round++)
      for (const { name, viewers } of crowds) {
        const { first, last } = await ask(viewers, partPath(part++));
        waits.get(name)!.first.push(...first);
        waits.get(name)!.last.push(...last);
      }
    for (const [system, waited] of waits)
      tell(waited, { viewers: VIEWERS, rounds: count, warm, system });
  }
  for (const { viewers } of crowds) for (const viewer of viewers) viewer.destroy();
}

/** Milliseconds to the first byte and to the last one, of each viewer in each round. */
interface Waits {
  first: number[];
  last: number[];
}

const noWaits = (): Waits => ({ first: [], last: [] });

function tell({ first, last }: Waits, params: Record<string, string | number | boolean>): void {
  for (const [metric, times] of [
    ["first_byte", first],
    ["last_byte", last],
  ] as const) {
    report(BENCH, `${metric}_p50`, quantile(times, 0.5), "ms", params);
    report(BENCH, `${metric}_p99`, quantile(times, 0.99), "ms", params);
  }
}

async function crowd(port: number): Promise<Socket[]> {
  const sockets = Array.from({ length: VIEWERS }, () => connect(port, "127.0.0.1"));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  return sockets.map((socket) => socket.setNoDelay(true));
}

async function ask(viewers: readonly Socket[], path: string): Promise<Waits> {
  const request = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const fromMs = performance.now();
  const answers = viewers.map((viewer) => answerOf(viewer, fromMs));
  for (const viewer of viewers) viewer.write(request);
  const all = await Promise.all(answers);
  return {
    first: all.map(([first]) => first - PART_MS),
    last: all.map(([, last]) => last - PART_MS),
  };
}

/** Milliseconds to the first and to the last byte. */
function answerOf(viewer: Socket, fromMs: number): Promise<[first: number, last: number]> {
  return new Promise((resolve, reject) => {
    let [firstMs, left, head] = [0, Number.POSITIVE_INFINITY, Buffer.alloc(0)];
    const done = () => {
      viewer.off("data", read).off("close", cut);
      resolve([firstMs, performance.now() - fromMs]);
    };
    const cut = () => reject(new Error("a connection was cut"));
    const read = (chunk: Buffer) => {
      firstMs ||= performance.now() - fromMs;
      if (left !== Number.POSITIVE_INFINITY) left -= chunk.length;
      else {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf("\r\n\r\n");
        if (end < 0) return;
        const text = head.toString("latin1", 0, end);
        const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1]);
        if (!text.startsWith("HTTP/1.1 200") || Number.isNaN(length))
          return reject(new Error(text));
        left = length - (head.length - end - 4);
      }
      if (left <= 0) done();
    };
    viewer.on("data", read).once("close", cut);
  });
}

/** @param values not empty. */
function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(share * (values.length - 1))]!;
}
