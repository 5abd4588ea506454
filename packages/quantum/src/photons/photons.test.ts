import { seededRandom } from "@glassline/service/random";
import { describe, expect, test } from "vitest";

import type { DecoyLink } from "../physics/decoy-bb84.ts";
import { GYS, decoyRates } from "../physics/decoy-bb84.ts";
import { INTERCEPT_RESEND_QBER } from "../physics/entropy.ts";
import { arriving, detected, intercepted } from "./fibre.ts";
import type { MeanPhotons } from "./pulses.ts";
import { Pulses, STRENGTHS } from "./pulses.ts";

const COUNT = 4_000_000;
const MEANS: MeanPhotons = { signal: 0.48, decoy: 0.1, vacuum: 0 };

/** A frame of pulses through a link, by a seed. @param intercept share of photons that somebody measures on the way. */
function sent(link: DecoyLink, seed: number, intercept = 0) {
  const random = seededRandom(seed);
  const pulses = new Pulses(Uint8Array.from({ length: COUNT }, () => Math.floor(256 * random())));
  const arrived = intercepted(arriving(pulses, MEANS, link, random), intercept, random);
  const clicks = detected(arrived, COUNT, link, random);
  const counts = { clicked: 0, sifted: 0, wrong: 0 };
  for (const [at, pulse] of clicks.pulses.entries()) {
    if (STRENGTHS[pulses.strengthOf(pulse)] !== "signal") continue;
    counts.clicked++;
    if (pulses.basisOf(pulse) !== clicks.bases[at]) continue;
    counts.sifted++;
    if (pulses.bitOf(pulse) !== clicks.bits[at]) counts.wrong++;
  }
  return { ...counts, signals: pulses.counts().signal };
}

/** Within three standard deviations of what is expected of so many trials. */
function expectShare(hits: number, trials: number, share: number): void {
  const deviation = Math.sqrt(trials * share * (1 - share));
  expect(Math.abs(hits - trials * share)).toBeLessThanOrEqual(3 * deviation);
}

describe("photons by lot are as the closed forms say", () => {
  test.each([0, 10, 50])("over %i km of fibre", (lengthKm) => {
    const link = { ...GYS, lengthKm };
    const { gain, qber } = decoyRates(link);
    const { clicked, sifted, wrong, signals } = sent(link, 23 + lengthKm);
    expectShare(clicked, signals, gain);
    expectShare(sifted, clicked, 0.5);
    expectShare(wrong, sifted, qber);
  });

  test("a strong link to within one in a hundred", () => {
    const link = { ...GYS, lengthKm: 1, receiverEfficiency: 0.8, darkCount: 1e-5 };
    const { gain, qber } = decoyRates(link);
    const { clicked, sifted, wrong, signals } = sent(link, 5);
    expect(clicked / signals / gain).toBeGreaterThan(0.99);
    expect(clicked / signals / gain).toBeLessThan(1.01);
    expectShare(clicked, signals, gain);
    expectShare(wrong, sifted, qber);
  });
});

test.each([0, 0.5, 1])(
  "who measures a share of %f of the photons makes a quarter of those bits wrong",
  (share) => {
    const link = { ...GYS, lengthKm: 1, misalignment: 0, darkCount: 0 };
    const { sifted, wrong } = sent(link, 8, share);
    expectShare(wrong, sifted, share * INTERCEPT_RESEND_QBER);
  },
);

test("strengths are drawn as they are told, bits and bases evenly", () => {
  const pulses = new Pulses(Uint8Array.from({ length: 65_536 }, (_, at) => at & 0xff));
  expect(pulses.counts()).toEqual({ signal: 49_152, decoy: 12_288, vacuum: 4_096 });
  let [bits, bases] = [0, 0];
  for (let at = 0; at < pulses.count; at++) {
    bits += pulses.bitOf(at);
    bases += pulses.basisOf(at);
  }
  expect([bits, bases]).toEqual([32_768, 32_768]);
});
