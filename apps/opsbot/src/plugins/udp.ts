/**
 * Peers asked by UDP where there is no ping: an echo (RFC 862) is an answer, and so is the peer's word that the port is
 * closed (RFC 1122 section 3.2.2.1). Of those words it says but a few at a time.
 */
import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

import { messageOf, systemCodeOf } from "@glassline/service/errors";

import type { PeerLook } from "../core/judge/overlay.ts";

const INTERVAL_MS = 200;
const WAIT_MS = 1_000;

export async function askByUdp(
  peer: string,
  port: number,
  packets: number,
  signal: AbortSignal,
): Promise<PeerLook> {
  const found = await lookup(peer).catch((error: unknown) => messageOf(error));
  if (typeof found === "string") return { peer, sent: 0, received: 0, why: found };
  const timesMs: number[] = [];
  for (let number = 0; number < packets; number++) {
    if (number > 0) await delay(INTERVAL_MS, undefined, { signal });
    const timeMs = await roundTrip(found, port, signal);
    if (timeMs !== undefined) timesMs.push(timeMs);
  }
  const average = timesMs.reduce((sum, timeMs) => sum + timeMs, 0) / timesMs.length;
  const roundTripMs = timesMs.length > 0 ? Math.round(average * 1_000) / 1_000 : undefined;
  return { peer, sent: packets, received: timesMs.length, roundTripMs };
}

/** @returns milliseconds; undefined: nothing came back. */
async function roundTrip(
  { address, family }: { address: string; family: number },
  port: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  const socket = createSocket(family === 6 ? "udp6" : "udp4");
  const limited = AbortSignal.any([signal, AbortSignal.timeout(WAIT_MS)]);
  try {
    socket.connect(port, address);
    await once(socket, "connect", { signal: limited });
    const startMs = performance.now();
    const answered = once(socket, "message", { signal: limited });
    socket.send("glassline");
    await answered.catch((error: unknown) => {
      if (systemCodeOf(error) !== "ECONNREFUSED") throw error;
    });
    return performance.now() - startMs;
  } catch {
    signal.throwIfAborted();
    return undefined;
  } finally {
    socket.close();
  }
}
