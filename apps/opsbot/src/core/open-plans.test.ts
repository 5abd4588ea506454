import { expect, test } from "vitest";

import { OpenPlans } from "./open-plans.ts";

const plan = (hash: string, madeMs = 0) => ({
  hash,
  line: hash,
  madeMs,
  untilMs: madeMs + 600_000,
});
const hashes = (plans: readonly { hash: string }[]) => plans.map(({ hash }) => hash);

test("a plain yes means what was told within two minutes, digits all that is still open", () => {
  const plans = new OpenPlans();
  plans.add("anna", plan("aaaaaa1"));
  plans.add("anna", plan("bbbbbb1", 100_000));
  expect(hashes(plans.meant("anna", undefined, 119_999))).toEqual(["aaaaaa1", "bbbbbb1"]);
  expect(hashes(plans.meant("anna", undefined, 120_000))).toEqual(["bbbbbb1"]);
  expect(hashes(plans.meant("anna", "aaaaaa", 599_999))).toEqual(["aaaaaa1"]);
  expect(plans.meant("anna", "aaaaaa", 600_000)).toEqual([]);
});

test("nobody says yes to the plan of another", () => {
  const plans = new OpenPlans();
  plans.add("anna", plan("aaaaaa1"));
  expect(plans.meant("bert", undefined, 1)).toEqual([]);
  expect(plans.meant("bert", "aaaaaa1", 1)).toEqual([]);
  expect(plans.forget("bert", 1)).toBe(false);
  expect(plans.forget("anna", 1)).toBe(true);
  expect(plans.meant("anna", undefined, 1)).toEqual([]);
});

test("hashes that begin alike are told apart by more digits", () => {
  const plans = new OpenPlans();
  plans.add("anna", plan("aaaaaabb1"));
  plans.add("anna", plan("aaaaaabc1"));
  expect(plans.digitsOf("anna", plan("aaaaaabc1"))).toBe("aaaaaabc");
  expect(plans.digitsOf("anna", plan("ffffff00"))).toBe("ffffff");
});

test("plans and callers are bounded: the oldest are forgotten", () => {
  const plans = new OpenPlans();
  for (let at = 0; at < 20; at++) plans.add("anna", plan(`aaaaaa${at}`));
  expect(plans.meant("anna", "aaaaaa", 1)).toHaveLength(8);
  for (let at = 0; at < 300; at++) plans.add(`caller ${at}`, plan("bbbbbb"));
  expect(plans.meant("anna", "aaaaaa", 1)).toEqual([]);
  expect(plans.meant("caller 43", "bbbbbb", 1)).toEqual([]);
  expect(plans.meant("caller 44", "bbbbbb", 1)).toHaveLength(1);
});
