import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Because, Begun, Facts, GuardLimits, Place, Proposal } from "./guard.ts";
import { FOREVER_MS, GUARD_LIMITS, judge } from "./guard.ts";

const NOW_MS = Date.UTC(2026, 10, 22);
const PLACE: Place = {
  domain: "hall-1",
  targets: 12,
  channel: undefined,
  peers: new Set(Array.from({ length: 12 }, (_, at) => `edge-${at + 1}`)),
  healthyOthers: 11,
  isHealthy: false,
  alerting: 1,
};
const PROPOSAL: Proposal = {
  target: "edge-1",
  action: "restart",
  runbook: "health",
  isDisruptive: true,
  by: "alert",
  needsApproval: false,
};
const FACTS: Facts = {
  nowMs: NOW_MS,
  place: PLACE,
  begun: [],
  problemsLately: 1,
  endedMs: undefined,
  stormUntilMs: 0,
  isKilled: false,
  pausedUntilMs: 0,
  maintenanceUntilMs: 0,
};

const begun = (target: string, agoMs: number, more: Partial<Begun> = {}): Begun => ({
  target,
  domain: "hall-1",
  runbook: "health",
  isDisruptive: true,
  beganMs: NOW_MS - agoMs,
  isUnderWay: false,
  ...more,
});
const refused = (proposal: Partial<Proposal>, facts: Partial<Facts>): Because | undefined => {
  const verdict = judge({ ...PROPOSAL, ...proposal }, { ...FACTS, ...facts });
  return verdict.may ? undefined : verdict.because;
};

describe("the guard", () => {
  test("says what it lets be done, and to how many", () => {
    expect(judge(PROPOSAL, FACTS)).toEqual({ may: true, says: "restart edge-1, 1 of 12" });
  });

  test("refuses what nothing is called, and no name at all, whoever asks", () => {
    for (const by of ["alert", "person"] as const)
      for (const target of ["", "edge-99"])
        expect(refused({ by, target }, { place: undefined })).toBe("unknown_target");
  });

  test("begins nothing while the kill switch is on, whoever asks", () => {
    expect(refused({}, { isKilled: true })).toBe("kill_switch");
    expect(refused({ by: "person" }, { isKilled: true })).toBe("kill_switch");
  });

  test.each<[Because, Partial<Facts>]>([
    ["paused", { pausedUntilMs: FOREVER_MS }],
    ["paused", { pausedUntilMs: NOW_MS + 1 }],
    ["maintenance", { maintenanceUntilMs: NOW_MS + 1 }],
    ["storm", { place: { ...PLACE, alerting: 5 } }],
    ["storm", { stormUntilMs: NOW_MS + 1 }],
    ["flapping", { problemsLately: 5 }],
    ["cool_down", { endedMs: NOW_MS - 29_999 }],
  ])("%s: automation waits, and a person does not", (because, facts) => {
    expect(refused({}, facts)).toBe(because);
    expect(refused({ by: "person" }, facts)).toBeUndefined();
  });

  test("lets time pass", () => {
    expect(refused({}, { pausedUntilMs: NOW_MS, maintenanceUntilMs: NOW_MS })).toBeUndefined();
    expect(refused({}, { stormUntilMs: NOW_MS, endedMs: NOW_MS - 30_000 })).toBeUndefined();
  });

  test("takes few of many for a storm only when they are enough, and enough of them", () => {
    expect(refused({}, { place: { ...PLACE, alerting: 4 } })).toBeUndefined();
    expect(refused({}, { place: { ...PLACE, targets: 20, alerting: 5 } })).toBeUndefined();
    expect(refused({}, { place: { ...PLACE, targets: 20, alerting: 6 } })).toBe("storm");
  });

  test("asks a person where one has to agree", () => {
    expect(refused({ needsApproval: true }, {})).toBe("approval");
  });

  test("disrupts one of few at a time, a tenth of many, and the same one again", () => {
    const others = [begun("edge-2", 59_999)];
    expect(refused({}, { begun: others })).toBe("disruption");
    expect(refused({ by: "person" }, { begun: others })).toBe("disruption");
    expect(refused({ isDisruptive: false }, { begun: others })).toBeUndefined();
    expect(refused({ target: "edge-2" }, { begun: others })).toBeUndefined();
    expect(refused({}, { begun: [begun("edge-2", 60_000)] })).toBeUndefined();
    expect(refused({}, { begun: [begun("edge-2", 900_000, { isUnderWay: true })] })).toBe(
      "disruption",
    );
    expect(refused({}, { begun: [begun("edge-2", 1, { domain: "hall-2" })] })).toBeUndefined();
    const many = new Set(Array.from({ length: 20 }, (_, at) => `edge-${at + 1}`));
    const place = { ...PLACE, targets: 20, peers: many };
    expect(refused({}, { place, begun: others })).toBeUndefined();
  });

  test("disrupts one at a time of those that serve the same channel, in a domain of many", () => {
    const peers = new Set(["edge-1", "edge-2"]);
    const place = { ...PLACE, targets: 20, channel: "harbour", peers };
    expect(refused({}, { place, begun: [begun("edge-2", 59_999)] })).toBe("disruption");
    expect(refused({}, { place, begun: [begun("edge-3", 59_999)] })).toBeUndefined();
  });

  test("never takes the last healthy one, and may mend one that is alone", () => {
    expect(refused({}, { place: { ...PLACE, healthyOthers: 0, isHealthy: true } })).toBe(
      "last_healthy",
    );
    expect(refused({}, { place: { ...PLACE, healthyOthers: 0 } })).toBeUndefined();
    const place = { ...PLACE, healthyOthers: 0, isHealthy: true, channel: "harbour" };
    expect(judge(PROPOSAL, { ...FACTS, place })).toMatchObject({
      says: "edge-1 is the last healthy one of harbour",
    });
  });

  test.each([
    ["target", Array.from({ length: 6 }, () => begun("edge-1", 100_000, { runbook: "other" }))],
    [
      "runbook",
      Array.from({ length: 20 }, (_, at) => begun(`x-${at}`, 100_000, { domain: "other" })),
    ],
    [
      "domain",
      Array.from({ length: 20 }, (_, at) => begun(`x-${at}`, 100_000, { runbook: "other" })),
    ],
    [
      "global",
      Array.from({ length: 60 }, (_, at) =>
        begun(`x-${at}`, 100_000, { runbook: `${at}`, domain: `${at}` }),
      ),
    ],
  ])("has a budget for each %s", (_scope, all) => {
    expect(refused({}, { begun: all })).toBe("budget");
    expect(refused({ by: "person" }, { begun: all })).toBe("budget");
    expect(refused({}, { begun: all.slice(1) })).toBeUndefined();
    const old = all.map((one) => ({ ...one, beganMs: NOW_MS - 3_600_000 }));
    expect(refused({}, { begun: old })).toBeUndefined();
  });
});

/** Small, so that all of them are met. */
const LIMITS: GuardLimits = {
  ...GUARD_LIMITS,
  budgetWindowMs: 100,
  budgets: { target: 2, runbook: 4, domain: 5, global: 6 },
  disruptionWindowMs: 30,
  coolDownMs: 0,
};
const SIZES: Record<string, number> = { a: 3, b: 25 };
/** Of b two and three serve a channel each, the others viewers of their own. */
const CHANNELS = ["b-harbour", "b-harbour", "b-quay", "b-quay", "b-quay"];
const servedBy = (target: string): string => {
  const [domain = "", number] = target.split("-");
  return (domain === "b" && CHANNELS[Number(number)]) || domain;
};
const TARGETS = Object.entries(SIZES).flatMap(([domain, size]) =>
  Array.from({ length: size }, (_, at) => `${domain}-${at}`),
);
const PEERS = Map.groupBy(TARGETS, servedBy);

test("no window is ever over a budget, whatever is asked for, when, and how long it takes", () => {
  const command = fc.record({
    passMs: fc.integer({ min: 0, max: 40 }),
    domain: fc.constantFrom("a", "b"),
    number: fc.nat({ max: 24 }),
    runbook: fc.constantFrom("health", "freshness"),
    isDisruptive: fc.boolean(),
    by: fc.constantFrom("alert" as const, "person" as const),
    takesMs: fc.integer({ min: 0, max: 60 }),
    healthyOthers: fc.nat({ max: 2 }),
    isKilled: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(command, { minLength: 20, maxLength: 80 }), (commands) => {
      const done: (Begun & { endedMs: number })[] = [];
      let nowMs = NOW_MS;
      for (const {
        passMs,
        domain,
        number,
        takesMs,
        healthyOthers,
        isKilled,
        ...rest
      } of commands) {
        nowMs += passMs;
        const targets = SIZES[domain]!;
        const target = `${domain}-${number % targets}`;
        const channel = servedBy(target);
        const peers = new Set(PEERS.get(channel));
        const seen = { healthyOthers, isHealthy: true, alerting: 1 };
        const place = { domain, targets, channel, peers, ...seen };
        const asSeen = done.map((one) => ({ ...one, isUnderWay: one.endedMs > nowMs }));
        const facts = { ...FACTS, nowMs, place, begun: asSeen, isKilled };
        const proposal = { ...PROPOSAL, ...rest, target };
        if (!judge(proposal, facts, LIMITS).may) continue;
        expect(isKilled).toBe(false);
        if (rest.isDisruptive) expect(healthyOthers).toBeGreaterThan(0);
        done.push({
          ...begun(target, 0),
          domain,
          ...rest,
          beganMs: nowMs,
          endedMs: nowMs + takesMs,
        });
      }
      for (const { beganMs } of done) {
        const window = done.filter((one) => one.beganMs <= beganMs && one.beganMs > beganMs - 100);
        const most = (of: (one: Begun) => string) =>
          Math.max(
            ...Map.groupBy(window, of)
              .values()
              .map((group) => group.length),
          );
        expect(most(({ target }) => target)).toBeLessThanOrEqual(2);
        expect(most(({ runbook }) => runbook)).toBeLessThanOrEqual(4);
        expect(most(({ domain }) => domain)).toBeLessThanOrEqual(5);
        expect(window.length).toBeLessThanOrEqual(6);
        const felt = done.filter(
          (one) =>
            one.isDisruptive &&
            one.beganMs <= beganMs &&
            (one.beganMs > beganMs - 30 || one.endedMs > beganMs),
        );
        const feltOf = (all: readonly Begun[]) => new Set(all.map(({ target }) => target)).size;
        for (const [domain, size] of Object.entries(SIZES))
          expect(feltOf(felt.filter((one) => one.domain === domain))).toBeLessThanOrEqual(
            Math.max(1, Math.floor(size / 10)),
          );
        for (const [channel, peers] of PEERS)
          expect(
            feltOf(felt.filter(({ target }) => servedBy(target) === channel)),
          ).toBeLessThanOrEqual(Math.max(1, Math.floor(peers.length / 10)));
      }
    }),
    { numRuns: 300 },
  );
});
