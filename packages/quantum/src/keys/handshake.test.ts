import { randomBytes } from "node:crypto";

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { EpochKeys, QuantumKey } from "./epoch.ts";
import { NoQuantumKey } from "./epoch.ts";
import type { Agreement, Peer, Self } from "./handshake.ts";
import { HandshakeError, SECOND_BYTES, offer, take } from "./handshake.ts";
import { Opener, Sealer } from "./records.ts";
import { privateKeyOf } from "./x-wing.ts";

const self = (name: string): Self => ({ name, key: privateKeyOf() });
const peerOf = ({ name, key }: Self): Peer => ({ name, publicKey: key.publicKey });

const [ONE, TWO, THREE] = [self("node-1"), self("node-2"), self("node-3")];
const HYBRID: Agreement = { epoch: 1, mode: "hybrid", allowSimulatedKeys: false };
const quantum = (id = "key-1"): QuantumKey => ({
  id,
  key: Buffer.alloc(32, id),
  source: "sim",
});

function agree(
  agreement = HYBRID,
  ofOne: QuantumKey | undefined = undefined,
  ofTwo: QuantumKey | undefined = ofOne,
): { one: EpochKeys; two: EpochKeys } {
  const first = offer(ONE, peerOf(TWO), agreement, { moment: 5n, quantumKey: ofOne });
  const taken = take(TWO, peerOf(ONE), first.message);
  expect(taken).toMatchObject({ moment: 5n, quantumKeyId: ofOne?.id });
  const { message, keys } = taken.answer(agreement, ofTwo);
  return { one: first.finish(message), two: keys };
}

/** What one end seals the other opens, in either direction. */
function expectSame(one: EpochKeys, two: EpochKeys): void {
  for (const direction of ["toResponder", "toInitiator"] as const) {
    const record = new Sealer(one[direction], 1, 0).seal(Buffer.from("focus"), 1);
    expect(new Opener(two[direction], 0).open(record, 1)).toMatchObject({
      content: Buffer.from("focus"),
    });
  }
}

describe("a handshake", () => {
  test("gives both ends the same keys, with a QKD key and without", () => {
    const without = agree();
    expectSame(without.one, without.two);
    expect([without.one.source, without.two.source]).toEqual(["none", "none"]);
    const quantumKey = quantum();
    const withKey = agree(HYBRID, quantumKey);
    expectSame(withKey.one, withKey.two);
    expect(withKey.one.source).toBe("sim");
  });

  test("gives other keys each time", () => {
    const [before, after] = [agree(), agree()];
    const record = new Sealer(before.one.toResponder, 1, 0).seal(Buffer.alloc(8), 1);
    expect(new Opener(after.two.toResponder, 0).open(record, 1)).toBe("forged");
  });

  test("ends where the ends have different QKD keys, or one has none", () => {
    expect(() => agree(HYBRID, quantum(), { ...quantum(), key: Buffer.alloc(32, 9) })).toThrow(
      HandshakeError,
    );
    const first = offer(ONE, peerOf(TWO), HYBRID, { moment: 5n, quantumKey: quantum() });
    const { message } = take(TWO, peerOf(ONE), first.message).answer(HYBRID, undefined);
    expect(() => first.finish(message)).toThrow("the seal is wrong");
  });

  test("where QKD is required there is none without it, at either end", () => {
    const required = { ...HYBRID, mode: "qkd-required" } as const;
    expect(() => agree(required)).toThrow(NoQuantumKey);
    expect(() => agree(required, quantum())).toThrow("got a simulated key");
    const allowed = agree({ ...required, allowSimulatedKeys: true }, quantum());
    expectSame(allowed.one, allowed.two);
  });

  test("is only with whom it was begun", () => {
    const first = offer(ONE, peerOf(TWO), HYBRID, { moment: 5n, quantumKey: undefined });
    expect(() => take(THREE, peerOf(ONE), first.message)).toThrow(HandshakeError);
    expect(() => take(TWO, peerOf(THREE), first.message)).toThrow(HandshakeError);
    expect(() => take({ ...TWO, name: "node-4" }, peerOf(ONE), first.message)).toThrow(
      HandshakeError,
    );
    // Somebody who says that he is node-1, and has another key.
    const liar = offer({ ...THREE, name: "node-1" }, peerOf(TWO), HYBRID, {
      moment: 5n,
      quantumKey: undefined,
    });
    expect(() => take(TWO, peerOf(ONE), liar.message)).toThrow("expected that of node-1");
    // Who answers without the initiator's static key answers nothing.
    const { message } = take(TWO, peerOf(ONE), first.message).answer(HYBRID, undefined);
    const other = offer(ONE, peerOf(TWO), HYBRID, { moment: 6n, quantumKey: undefined });
    expect(() => other.finish(message)).toThrow(HandshakeError);
  });

  test("no bit of either message can be changed", () => {
    const first = offer(ONE, peerOf(TWO), HYBRID, { moment: 5n, quantumKey: quantum() });
    const { message: second } = take(TWO, peerOf(ONE), first.message).answer(HYBRID, quantum());
    const changed = (message: Buffer, bit: number) => {
      const copy = Buffer.from(message);
      copy[(bit >>> 3) % copy.length]! ^= 1 << (bit & 7);
      return copy;
    };
    fc.assert(
      fc.property(fc.nat(8 * first.message.length - 1), (bit) => {
        expect(() => {
          const taken = take(TWO, peerOf(ONE), changed(first.message, bit));
          first.finish(taken.answer(HYBRID, quantum()).message);
        }).toThrow(HandshakeError);
      }),
      { numRuns: 60 },
    );
    const lengths = [0, 1, SECOND_BYTES - 1, SECOND_BYTES + 1];
    for (const length of lengths)
      expect(() => first.finish(Buffer.alloc(length))).toThrow(`got ${length} bytes`);
    expect(() => first.finish(changed(second, 8 * SECOND_BYTES - 3))).toThrow(HandshakeError);
  });

  test("whatever a stranger sends is a HandshakeError", () => {
    const { message } = offer(ONE, peerOf(TWO), HYBRID, { moment: 5n, quantumKey: undefined });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: message.length + 300 }), (length) => {
        expect(() => take(TWO, peerOf(ONE), randomBytes(length))).toThrow(HandshakeError);
      }),
      { numRuns: 100 },
    );
    const noKey = Buffer.concat([Buffer.alloc(1_216, 0xff), message.subarray(1_216)]);
    expect(() => take(TWO, peerOf(ONE), noKey)).toThrow(HandshakeError);
  });
});
