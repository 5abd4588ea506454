/** Points a second on one core: the best of some rounds, because other work on a machine only ever slows them down. */
import { about, report } from "@glassline/bench/report";

import { StreamDecoder } from "../src/stream-codec/stream-decoder.ts";
import { fleetBatches, fleetEncoder } from "./fleet-stream.ts";

const TICKS = 600;

export function fleetSpeed(isQuick: boolean): void {
  about(
    "fleet-speed",
    "Points a second on one core, definitions included, the best of some rounds. Goals with 4,800 points a message: encode 25 million, decode 50 million. " +
      "What bounds decoding is the loop over symbols, some 17 ns each whether they can be foreseen or not: instructions, not memory or branches; then times and groups (100 ns a group). " +
      "A loop that calls nothing, with the coder's state in variables and constants of its own module, gave a quarter. Two coders in turn, models in one array, arithmetic without branches, " +
      "tables by slot and inverses instead of divisions gave nothing. The same build varies by a seventh from hour to hour on this machine; encoding had 21 to 25 million.",
  );
  const rounds = isQuick ? 10 : 40;
  for (const cameras of [200, 20, 1]) {
    const batches = fleetBatches(cameras, TICKS);
    const points = batches.reduce((sum, { count }) => sum + count, 0);
    let [encodeMs, decodeMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let round = 0; round < rounds; round++) {
      const encoder = fleetEncoder(cameras);
      const encoding = performance.now();
      const payloads = batches.map((batch) => encoder.encode(batch));
      encodeMs = Math.min(encodeMs, performance.now() - encoding);
      const decoder = new StreamDecoder();
      const decoding = performance.now();
      for (const payload of payloads) decoder.decode(payload);
      decodeMs = Math.min(decodeMs, performance.now() - decoding);
    }
    const params = { cameras, pointsPerMessage: cameras * 24, ticks: TICKS, rounds };
    report("fleet-speed", "encode", (1_000 * points) / encodeMs, "points/s", params);
    report("fleet-speed", "decode", (1_000 * points) / decodeMs, "points/s", params);
  }
}
