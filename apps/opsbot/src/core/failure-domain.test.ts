import { expect, test } from "vitest";

import { FailureDomain } from "./failure-domain.ts";
import { GUARD_LIMITS, isStorm } from "./guard.ts";

const STORM = { share: 0.5, least: 3, windowMs: 10_000, holdMs: 5_000 };
const LIMITS = { ...GUARD_LIMITS, storm: STORM };
const ALERTS = { healthy: false, alerting: true };
const WELL = { healthy: true, alerting: false };

function domainOf(targets: number): FailureDomain {
  const domain = new FailureDomain("hall-1", LIMITS);
  for (const name of ["a", "b", "c", "d", "old", "e"].slice(0, targets))
    domain.add(name, undefined, 0);
  return domain;
}

const isStormy = (domain: FailureDomain, nowMs: number) => domain.stormLeftMs(nowMs) > 0;

test("those that alert one after the other are no storm, however many they become", () => {
  const domain = domainOf(4);
  for (const [nth, name] of ["a", "b", "c", "d"].entries())
    domain.saw(name, ALERTS, nth * STORM.windowMs);
  expect(isStorm(domain.placeOf("a", 3 * STORM.windowMs), LIMITS)).toBe(false);
  expect(isStormy(domain, 3 * STORM.windowMs)).toBe(false);
});

test("a storm lasts while enough of those that began together alert, and a hold longer", () => {
  const domain = domainOf(6);
  for (const name of ["a", "b", "c", "d"]) domain.saw(name, ALERTS, 1_000);
  expect(isStormy(domain, 900_000)).toBe(true);
  expect(domain.placeOf("a", 900_000)).toMatchObject({ alerting: 4, targets: 6 });
  domain.saw("a", WELL, 900_000);
  expect(isStormy(domain, 1_000_000)).toBe(true);
  domain.saw("b", WELL, 1_000_000);
  expect(isStormy(domain, 1_004_999)).toBe(true);
  expect(isStormy(domain, 1_005_000)).toBe(false);
  expect(domain.placeOf("c", 1_005_000)).toMatchObject({ alerting: 0, healthyOthers: 2 });
});

test("what alerted long before a storm does not make it last", () => {
  const domain = domainOf(6);
  domain.saw("old", ALERTS, 0);
  for (const name of ["a", "b", "c"]) domain.saw(name, ALERTS, 100_000);
  domain.saw("a", WELL, 200_000);
  expect(isStormy(domain, 204_999)).toBe(true);
  expect(isStormy(domain, 205_000)).toBe(false);
});

test("another target that alerts in a storm belongs to it; one that is no more does not", () => {
  const domain = domainOf(6);
  for (const name of ["a", "b", "c"]) domain.saw(name, ALERTS, 0);
  domain.saw("d", ALERTS, 100_000);
  domain.saw("a", WELL, 100_000);
  expect(isStormy(domain, 900_000)).toBe(true);
  domain.remove("b", 900_000);
  expect(isStormy(domain, 905_000)).toBe(false);
});

test("well is who serves the same viewers: those of one channel, or the others of the domain", () => {
  const domain = domainOf(2);
  for (const [name, channel] of [
    ["harbour-1", "harbour"],
    ["harbour-2", "harbour"],
    ["quay-1", "quay"],
  ] as const)
    domain.add(name, channel, 0);
  for (const name of ["a", "harbour-1", "harbour-2", "quay-1"]) domain.saw(name, WELL, 0);
  const othersOf = (name: string) => domain.placeOf(name, 0).healthyOthers;
  expect(["a", "b", "harbour-1", "quay-1"].map(othersOf)).toEqual([0, 1, 1, 0]);
  expect(domain.placeOf("harbour-1", 0)).toMatchObject({ targets: 5, channel: "harbour" });
  expect([...domain.placeOf("harbour-1", 0).peers]).toEqual(["harbour-1", "harbour-2"]);
  domain.saw("harbour-2", ALERTS, 0);
  expect(othersOf("harbour-1")).toBe(0);
  domain.saw("harbour-2", WELL, 0);
  domain.remove("harbour-2", 0);
  expect(othersOf("harbour-1")).toBe(0);
  expect(domain.placeOf("a", 0)).toMatchObject({ targets: 4, channel: undefined });
});

test("one of which nothing is known yet may be the last one that is well", () => {
  const domain = domainOf(2);
  expect(domain.placeOf("a", 0)).toMatchObject({ isHealthy: true, healthyOthers: 0 });
  domain.saw("b", WELL, 0);
  expect(domain.placeOf("a", 0)).toMatchObject({ isHealthy: true, healthyOthers: 1 });
  domain.saw("a", ALERTS, 0);
  expect(domain.placeOf("a", 0)).toMatchObject({ isHealthy: false, healthyOthers: 1 });
  domain.remove("b", 0);
  domain.add("b", undefined, 0);
  expect(domain.placeOf("b", 0)).toMatchObject({ isHealthy: true, healthyOthers: 0 });
});
