import { seededRandom } from "@glassline/service/random";
import { describe, expect, test } from "vitest";

import { arriving, detected, intercepted } from "../photons/fibre.ts";
import type { MeanPhotons } from "../photons/pulses.ts";
import type { DecoyLink } from "../physics/decoy-bb84.ts";
import { GYS, decoyRates } from "../physics/decoy-bb84.ts";
import type { Verify } from "./discussion.ts";
import { Receiver } from "./receiver.ts";
import { Sender } from "./sender.ts";

const FRAME = 1_048_576;
const BLOCK = 20_000;
const MEANS: MeanPhotons = { signal: 0.48, decoy: 0.1, vacuum: 0 };

interface Distilled {
  ofSender: Uint8Array | undefined;
  ofReceiver: Uint8Array | undefined;
  qber: number | undefined;
  frames: number;
}

/** The same in each run: what chance does must not decide. */
const bytesBy = (random: () => number) => (count: number) =>
  Uint8Array.from({ length: count }, () => Math.floor(256 * random()));

/** Both ends of a link, until they have a block. @param touched changes what the receiver has corrected. */
function distil(
  link: DecoyLink,
  { intercept = 0, deviations = 5, touched = (verify: Verify) => verify } = {},
): Distilled {
  const random = seededRandom(99);
  const randomBytes = bytesBy(random);
  const sender = new Sender({ means: MEANS, deviations, randomBytes });
  const receiver = new Receiver({ blockBits: BLOCK, randomBytes });
  for (let frames = 1; frames < 200; frames++) {
    const { frame, pulses } = sender.send(FRAME);
    const arrived = intercepted(arriving(pulses, MEANS, link, random), intercept, random);
    const clicks = detected(arrived, FRAME, link, random);
    const correcting = sender.reveal(receiver.sifted(sender.sift(receiver.clicked(frame, clicks))));
    if (!correcting) continue;
    let next = receiver.correct(correcting);
    while (!("hash" in next)) next = receiver.told(sender.answer(next));
    const { verdict, secret } = sender.verify(touched(next));
    const ofReceiver = receiver.decided(verdict);
    return { ofSender: secret, ofReceiver, qber: verdict.qber, frames };
  }
  throw new Error("no block came");
}

describe("a link", () => {
  test.each([1, 25])("of %i km has keys that are the same at both ends", (lengthKm) => {
    const link = { ...GYS, lengthKm, receiverEfficiency: 0.3, misalignment: 0.015 };
    const { ofSender, ofReceiver, qber } = distil(link);
    expect(ofSender!.length).toBeGreaterThan(BLOCK / 8 / 10);
    expect(ofReceiver).toEqual(ofSender);
    expect(Math.abs(qber! - decoyRates(link).qber)).toBeLessThan(0.005);
  });

  test("gives less than it would if chance never helped an eavesdropper", () => {
    const link = { ...GYS, lengthKm: 10, receiverEfficiency: 0.3, misalignment: 0.015 };
    const bits = ({ ofSender }: Distilled) => (ofSender?.length ?? 0) * 8;
    const [careful, careless] = [distil(link), distil(link, { deviations: 0 })];
    expect(bits(careful)).toBeLessThan(bits(careless));
    const asymptotic = decoyRates(link).keyBitsPerPulse * 0.75 * FRAME * careless.frames;
    expect(bits(careless)).toBeLessThan(1.15 * asymptotic);
    expect(bits(careless)).toBeGreaterThan(0.6 * asymptotic);
  });

  test("that somebody listens to has none, and its errors tell", () => {
    const link = { ...GYS, lengthKm: 1, receiverEfficiency: 0.3, misalignment: 0, darkCount: 1e-6 };
    const { ofSender, ofReceiver, qber } = distil(link, { intercept: 1 });
    expect([ofSender, ofReceiver]).toEqual([undefined, undefined]);
    // Where correction fails there is no share to be told either.
    if (qber !== undefined) expect(Math.abs(qber - 0.25)).toBeLessThan(0.01);
  });

  test("throws away what is not the same at both ends", () => {
    const link = { ...GYS, lengthKm: 1, receiverEfficiency: 0.3, misalignment: 0.015 };
    const touched = (verify: Verify) => ({ ...verify, hash: verify.hash.with(3, 1) });
    const { ofSender, ofReceiver, qber } = distil(link, { touched });
    expect([ofSender, ofReceiver, qber]).toEqual([undefined, undefined, undefined]);
  });
});

test("what is about no frame, or of another length, is refused at either end", () => {
  const randomBytes = bytesBy(seededRandom(1));
  const sender = new Sender({ means: MEANS, deviations: 5, randomBytes });
  const receiver = new Receiver({ blockBits: BLOCK, randomBytes });
  const { frame } = sender.send(100);
  const clicked = (pulse: number) => ({
    frame,
    pulses: Uint32Array.of(pulse),
    bases: Uint8Array.of(0),
  });
  expect(() => sender.sift({ ...clicked(1), frame: 7 })).toThrow("got 7");
  expect(() => sender.sift(clicked(100))).toThrow("other pulses");
  expect(() => sender.reveal({ frame, bits: new Uint8Array(1), isFull: false })).toThrow("got 1");
  expect(() => sender.answer(Uint32Array.of(0, 0, 1))).toThrow("expected a block first");
  expect(() => receiver.told(Uint8Array.of(0))).toThrow("expected a block first");
  const nothing = { frame: 9, kept: new Uint8Array(), strengths: new Uint8Array() };
  expect(() => receiver.sifted(nothing)).toThrow("got 9");
});
