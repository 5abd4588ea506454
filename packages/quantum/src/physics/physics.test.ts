import { execFileSync } from "node:child_process";

import { testWithProgram } from "@glassline/bench/programs/testing";
import { seededRandom } from "@glassline/service/random";
import { describe, expect, test } from "vitest";

import { GYS, cutOffKm, decoyRates } from "./decoy-bb84.ts";
import { binaryEntropy, secretShare } from "./entropy.ts";
import { plobBits, transmittance } from "./fibre.ts";
import {
  KEY_FIDELITY,
  afterMemory,
  bbpssw,
  chshOf,
  dejmps,
  longestChain,
  overChain,
  fidelityAt,
  qberOf,
  swapped,
  wernerPair,
} from "./pairs.ts";

const PYTHON = process.env["PYTHON"] ?? "/usr/bin/python3";

/** The number as it is printed with so many digits. */
const digits = (value: number, count: number) => Number(value.toPrecision(count));

describe("published values, to the last digit that is printed", () => {
  test("what is left of a sifted bit", () => {
    expect([0.01, 0.03, 0.05].map((qber) => digits(secretShare(qber), 4))).toEqual([
      0.8384, 0.6112, 0.4272,
    ]);
    expect(digits(secretShare(0.1), 3)).toBe(0.062);
    expect(secretShare(0.110027)).toBeGreaterThan(0);
    expect(secretShare(0.110028)).toBeLessThan(0);
  });

  test("most that a fibre can give (PLOB)", () => {
    const bits = [50, 100, 200].map((lengthKm) => digits(plobBits(transmittance(lengthKm)), 6));
    expect(bits).toEqual([0.152003, 0.0144996, 1.44277e-4]);
  });

  test("decoy BB84 of Gobby, Yuan and Shields", () => {
    const rates = [0, 50, 100].map((lengthKm) => decoyRates({ ...GYS, lengthKm }).keyBitsPerPulse);
    expect(rates.map((rate) => digits(rate, 5))).toEqual([2.5546e-3, 2.226e-4, 1.7184e-5]);
    expect(digits(cutOffKm(GYS), 4)).toBe(142);
    expect(decoyRates({ ...GYS, lengthKm: 150 }).keyBitsPerPulse).toBe(0);
  });

  test("chains of pairs", () => {
    const over = (fidelity: number) =>
      [2, 5, 10].map((links) => digits(overChain(fidelity, links), 4));
    expect(over(0.99)).toEqual([0.9801, 0.9513, 0.9058]);
    expect(over(0.95)).toEqual([0.9033, 0.7812, 0.6262]);
    expect(digits(KEY_FIDELITY, 5)).toBe(0.83496);
    expect([0.99, 0.98, 0.95].map(longestChain)).toEqual([18, 9, 3]);
    expect(longestChain(0.8)).toBe(0);
    expect(longestChain(1)).toBe(Infinity);
  });

  test("purification by BBPSSW", () => {
    const of = (before: number) => {
      const { fidelity, probability } = bbpssw(before);
      return [digits(fidelity, 5), digits(probability, 5)];
    };
    expect([0.7, 0.8, 0.9].map(of)).toEqual([
      [0.73529, 0.68],
      [0.83815, 0.76889],
      [0.9264, 0.87556],
    ]);
  });

  test("purification by DEJMPS, three times", () => {
    let pair = wernerPair(0.8);
    const fidelities = Array.from({ length: 3 }, () => digits((pair = dejmps(pair).pair)[0], 5));
    expect(fidelities).toEqual([0.83815, 0.94364, 0.98797]);
  });
});

test("joining is that of a chain, a memory loses nothing at once, and a perfect pair is as entangled as can be", () => {
  expect(swapped(0.95, 0.95)).toBeCloseTo(overChain(0.95, 2), 15);
  expect(afterMemory(0.9, 0, 1)).toBeCloseTo(0.9, 15);
  expect(afterMemory(0.9, 1e9, 1)).toBeCloseTo(0.25, 15);
  expect(chshOf(1)).toBeCloseTo(2 * Math.SQRT2, 15);
  expect(qberOf(1)).toBe(0);
  for (const fidelity of [1, 0.9, 0.5])
    expect(fidelityAt(qberOf(fidelity))).toBeCloseTo(fidelity, 12);
});

test("a probability is from 0 to 1", () => {
  for (const p of [-0.1, 1.1, Number.NaN]) expect(() => binaryEntropy(p)).toThrow(`got ${p}`);
});

/** The same formulas with 60 digits, in a program of its own. */
const INDEPENDENT = `
import json, sys
from decimal import Decimal as D, getcontext
getcontext().prec = 60
log2 = lambda x: x.ln() / D(2).ln()
h = lambda p: D(0) if p in (0, 1) else -p * log2(p) - (1 - p) * log2(1 - p)
def decoy(l, a, r, y, m, mu, q, f):
    eta = r * D(10) ** (-l * a / 10)
    sees = 1 - (-eta * mu).exp()
    gain = y + sees
    wrong = (y / 2 + m * sees) / gain
    one = y + eta
    bad = (y / 2 + m * eta) / one
    return max(D(0), q * (one * mu * (-mu).exp() * (1 - h(bad)) - gain * f * h(wrong)))
w = lambda F: (4 * F - 1) / 3
F = lambda w: (3 * w + 1) / 4
def bbpssw(F):
    p = F * F + 2 * F * (1 - F) / 3 + 5 * (1 - F) ** 2 / 9
    return (F * F + (1 - F) ** 2 / 9) / p
def dejmps(a, b, c, d):
    p = (a + b) ** 2 + (c + d) ** 2
    return (a * a + b * b) / p
every = {
    "entropy": h,
    "secret": lambda q: 1 - 2 * h(q),
    "plob": lambda l: -log2(1 - D(10) ** (-l / 50)),
    "decoy": decoy,
    "chain": lambda f, n: F(w(f) ** n),
    "memory": lambda f, t, T: F(w(f) * (-t / T).exp()),
    "bbpssw": bbpssw,
    "dejmps": dejmps,
}
print(json.dumps([str(every[name](*(D(x) for x in given))) for name, given in json.load(sys.stdin)]))
`;

type Formula = (...given: readonly number[]) => number;

const FORMULAS: Readonly<Record<string, Formula>> = {
  entropy: (p) => binaryEntropy(p!),
  secret: (qber) => secretShare(qber!),
  plob: (lengthKm) => plobBits(transmittance(lengthKm!)),
  decoy: (lengthKm, dbPerKm, receiverEfficiency, darkCount, misalignment, meanPhotons, ...more) =>
    decoyRates({
      lengthKm: lengthKm!,
      dbPerKm: dbPerKm!,
      receiverEfficiency: receiverEfficiency!,
      darkCount: darkCount!,
      misalignment: misalignment!,
      meanPhotons: meanPhotons!,
      siftedShare: more[0]!,
      inefficiency: more[1]!,
    }).keyBitsPerPulse,
  chain: (fidelity, links) => overChain(fidelity!, links!),
  memory: (fidelity, waitedS, coherenceS) => afterMemory(fidelity!, waitedS!, coherenceS!),
  bbpssw: (fidelity) => bbpssw(fidelity!).fidelity,
  dejmps: (a, b, c, d) => dejmps([a!, b!, c!, d!]).pair[0],
};

testWithProgram(PYTHON)("an evaluation with 60 digits finds the same to within 1e-9", () => {
  const random = seededRandom(14);
  const between = (from: number, to: number) => from + (to - from) * random();
  const fidelity = () => between(0.5, 1);
  const bell = () => {
    const all = Array.from({ length: 4 }, random);
    const sum = all.reduce((total, one) => total + one, 0);
    return all.map((one) => one / sum);
  };
  const given: [string, number[]][] = Array.from({ length: 200 }, () => [
    ["entropy", [random() ** 6]] as [string, number[]],
    ["secret", [between(0, 0.1)] as number[]] as [string, number[]],
    ["plob", [between(0.1, 900)]] as [string, number[]],
    ["decoy", decoyGiven(between)] as [string, number[]],
    ["chain", [fidelity(), 1 + Math.floor(random() * 20)]] as [string, number[]],
    ["memory", [fidelity(), between(0, 10), between(0.1, 10)]] as [string, number[]],
    ["bbpssw", [fidelity()]] as [string, number[]],
    ["dejmps", bell()] as [string, number[]],
  ]).flat();
  const exact = given.map(([name, numbers]) => [name, numbers.map(String)]);
  const output = execFileSync(PYTHON, ["-c", INDEPENDENT], { input: JSON.stringify(exact) });
  const expected = (JSON.parse(output.toString()) as string[]).map(Number);
  const off = given.flatMap(([name, numbers], at) => {
    const [got, wanted] = [FORMULAS[name]!(...numbers), expected[at]!];
    return Math.abs(got - wanted) <= 1e-9 * Math.abs(wanted)
      ? []
      : [{ name, numbers, got, wanted }];
  });
  expect(off).toEqual([]);
});

/** Links far enough from their cut-off that the difference of two large terms is not the answer. */
const decoyGiven = (between: (from: number, to: number) => number): number[] => [
  between(0, 80),
  between(0.16, 0.22),
  between(0.04, 0.3),
  between(1e-8, 1e-6),
  between(0.005, 0.03),
  between(0.3, 0.6),
  0.5,
  between(1, 1.2),
];
