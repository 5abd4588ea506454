/** A process that plays: its parent tells it what, and hears what it got. It ends with its parent. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { getCACertificates, setDefaultCACertificates } from "node:tls";

import { systemClock } from "@glassline/service/clock";

import type { LoadWish } from "./load.ts";
import { load } from "./load.ts";

const RESOLUTION_MS = 10;
const NANO_PER_MS = 1e6;

const stop = new AbortController();
process.once("disconnect", () => stop.abort());
process.once("message", (message) => void play(message as { wish: LoadWish; ca?: string }));

async function play({ wish, ca }: { wish: LoadWish; ca?: string }): Promise<void> {
  if (ca !== undefined) setDefaultCACertificates([...getCACertificates("default"), ca]);
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const counts = await load(wish, { clock: systemClock, signal: stop.signal });
  const lateMs = Math.max(0, delay.percentile(99) / NANO_PER_MS - RESOLUTION_MS);
  delay.disable();
  if (!process.connected) return;
  process.send!({ counts: { ...counts, lateMs } }, () => process.disconnect?.());
}
