/** What a connection costs that is not used: memory of a cache with many of them, each after one answer. */
import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { connect as connectTls } from "node:tls";

import { about, report } from "@glassline/bench/report";

import { PLAYLIST } from "./origin.ts";
import type { Running, Started } from "./running.ts";

const BENCH = "edge-connections";
/** Between these two: what the first ones take besides stays out. */
const COUNTS = { few: 500, many: 5_000, quick: 1_500 } as const;
/** Opened at a time. */
const BATCH = 100;
/** What is freed late has been by then. */
const SETTLE_MS = 3_000;

type Kind = "plain" | "TLS, HTTP/1.1" | "TLS, HTTP/2";
const KINDS: readonly Kind[] = ["plain", "TLS, HTTP/1.1", "TLS, HTTP/2"];

export async function measureConnections(
  systems: readonly Running[],
  isQuick: boolean,
): Promise<void> {
  const { few, quick, many } = COUNTS;
  const count = isQuick ? quick : many;
  about(
    BENCH,
    `Resident memory of a new process, by which it grows from ${few} to ${count} connections, for each: open, and not used after one answer. What the kernel holds is not in it. Goal: 24 KiB, plain.`,
  );
  for (const kind of isQuick ? KINDS.slice(0, 1) : KINDS)
    for (const { name: system, anew } of isQuick ? systems.slice(0, 1) : systems) {
      await using started = await anew();
      const port = kind === "plain" ? started.port : started.tlsPort;
      if (port === undefined) continue;
      const bytes = await costOf(started, kind, port, count);
      const params = { kind, connections: count, system };
      report(BENCH, "memory_per_connection", bytes / 1_024, "KiB", params);
    }
}

async function costOf({ process }: Started, kind: Kind, port: number, count: number) {
  const sockets: Socket[] = [];
  const openUpTo = async (number: number) => {
    while (sockets.length < number)
      sockets.push(...(await Promise.all(Array.from({ length: BATCH }, () => open(kind, port)))));
    await delay(SETTLE_MS);
    const closed = sockets.filter((socket) => socket.closed).length;
    if (closed > 0) throw new Error(`connections: got ${closed} that were closed, expected none`);
    return process.residentBytes();
  };
  try {
    const before = await openUpTo(COUNTS.few);
    return ((await openUpTo(count)) - before) / (count - COUNTS.few);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

/** A connection on which one answer has come. */
async function open(kind: Kind, port: number): Promise<Socket> {
  const address = { port, host: "127.0.0.1" };
  const ALPNProtocols = [kind === "TLS, HTTP/2" ? "h2" : "http/1.1"];
  const socket =
    kind === "plain"
      ? connect(address)
      : connectTls({ ...address, ALPNProtocols, rejectUnauthorized: false });
  await once(socket, kind === "plain" ? "connect" : "secureConnect");
  socket.write(kind === "TLS, HTTP/2" ? ASKED_BY_H2 : ASKED);
  let bytes = 0;
  while (bytes < ANSWER_BYTES) bytes += ((await once(socket, "data")) as [Buffer])[0].length;
  return socket;
}

/** The answer is larger: so much of it has come when all has. */
const ANSWER_BYTES = 1_024;
const ASKED = `GET ${PLAYLIST} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

/** Preface, empty settings, and a head of literals (RFC 9113, RFC 7541 section 6.2.2). */
const ASKED_BY_H2 = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
  headFrame([
    [":method", "GET"],
    [":scheme", "https"],
    [":authority", "localhost"],
    [":path", PLAYLIST],
  ]),
]);

function headFrame(lines: readonly (readonly [name: string, value: string])[]): Buffer {
  const fields = lines.flatMap(([name, value]) => [
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
  const block = Buffer.concat(fields);
  return Buffer.concat([Buffer.from([0, 0, block.length, 1, 5, 0, 0, 0, 1]), block]);
}
