import { randomBytes } from "node:crypto";

import { ml_kem768_x25519 as XWing } from "@noble/post-quantum/hybrid.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { ReplayWindow, WINDOW } from "./replay-window.ts";
import {
  CIPHERTEXT_BYTES,
  PUBLIC_KEY_BYTES,
  SEED_BYTES,
  decapsulate,
  encapsulate,
  privateKeyOf,
} from "./x-wing.ts";

describe("X-Wing", () => {
  test("has the same keys and secrets as another implementation, either way", () => {
    for (let round = 0; round < 5; round++) {
      const seed = randomBytes(SEED_BYTES);
      const [ours, theirs] = [privateKeyOf(seed), XWing.keygen(seed)];
      expect(Buffer.from(ours.publicKey).equals(theirs.publicKey)).toBe(true);
      const from = XWing.encapsulate(ours.publicKey);
      expect(Buffer.from(decapsulate(ours, from.cipherText)).equals(from.sharedSecret)).toBe(true);
      const to = encapsulate(theirs.publicKey);
      expect(
        Buffer.from(XWing.decapsulate(to.ciphertext, theirs.secretKey)).equals(to.secret),
      ).toBe(true);
    }
  });

  test("what was made for another key, or was changed, gives another secret", () => {
    const [one, other] = [privateKeyOf(), privateKeyOf()];
    const { ciphertext, secret } = encapsulate(one.publicKey);
    expect(decapsulate(one, ciphertext)).toEqual(secret);
    expect(decapsulate(other, ciphertext)).not.toEqual(secret);
    for (const at of [0, 1_087, 1_088, CIPHERTEXT_BYTES - 2]) {
      const changed = Uint8Array.from(ciphertext);
      changed[at]! ^= 1;
      expect(decapsulate(one, changed)).not.toEqual(secret);
    }
  });

  test("what is of another length, or gives away the secret, is refused", () => {
    const key = privateKeyOf();
    const { ciphertext } = encapsulate(key.publicKey);
    expect(() => privateKeyOf(new Uint8Array(31))).toThrow("got 31 bytes, expected 32");
    expect(() => encapsulate(key.publicKey.subarray(1))).toThrow(`expected ${PUBLIC_KEY_BYTES}`);
    expect(() => decapsulate(key, ciphertext.subarray(1))).toThrow(`expected ${CIPHERTEXT_BYTES}`);
    const zeroPoint = Uint8Array.from(ciphertext).fill(0, CIPHERTEXT_BYTES - 32);
    expect(() => decapsulate(key, zeroPoint)).toThrow("point of small order");
  });
});

describe("a replay window", () => {
  test("lets each counter pass once, unless it is far behind", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -WINDOW - 40, max: 3 * WINDOW }), { maxLength: 400 }),
        (steps) => {
          const window = new ReplayWindow();
          const seen = new Set<number>();
          let newest = -1;
          for (const step of steps) {
            const counter = Math.max(0, newest + step);
            const isNew = !seen.has(counter) && counter > newest - WINDOW;
            expect(window.mayAccept(counter)).toBe(isNew);
            expect(window.accept(counter)).toBe(isNew);
            if (isNew) seen.add(counter);
            newest = Math.max(newest, isNew ? counter : -1);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test("lets a whole run pass, in any order within the window", () => {
    const window = new ReplayWindow();
    for (let counter = 0; counter < 10 * WINDOW; counter += 2) {
      expect(window.accept(counter + 1)).toBe(true);
      expect(window.accept(counter)).toBe(true);
      expect(window.accept(counter)).toBe(false);
    }
  });
});
