import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { readObject } from "./icinga-objects.ts";
import { MalformedJson } from "./json-values.ts";
import { firstMeasured } from "./performance-data.ts";
import { readAcknowledgement, readDowntime, suppressionOf } from "./suppression.ts";

const HOST = { state: 0, state_type: 1, downtime_depth: 0, last_reachable: true };
const ATTRS = {
  __name: "edge-1!any name",
  vars: { glassline_object: "edge-1", glassline_check: "health" },
  state: 2,
  state_type: 1,
  check_attempt: 3,
  max_check_attempts: 3,
  last_check: 1_795_307_163.547094,
  last_state_change: 1_795_307_100,
  last_hard_state_change: 1_795_307_160.25,
  downtime_depth: 0,
  acknowledgement: 0,
  acknowledgement_last_change: 0,
  enable_flapping: true,
  flapping: false,
  last_reachable: true,
  last_check_result: { output: "it does not answer\nand more", performance_data: [] },
};

const service = (attrs: object = {}, host: object = {}) =>
  readObject({
    type: "Service",
    attrs: { ...ATTRS, ...attrs },
    joins: { host: { ...HOST, ...host } },
  });
const host = (attrs: object) =>
  readObject({ type: "Host", attrs: { ...ATTRS, ...attrs }, joins: {} });

describe("an object of Icinga", () => {
  test("is read with its times to the microsecond", () => {
    expect(service()).toMatchObject({
      name: "edge-1!any name",
      object: "edge-1",
      check: "health",
      state: "critical",
      hard: true,
      attempt: 3,
      checkedUnixNano: 1_795_307_163_547_094_000n,
      hardStateSinceUnixNano: 1_795_307_160_250_000_000n,
      output: "it does not answer",
      pending: false,
    });
  });

  test("a host is up or down, and has no state beside", () => {
    expect(host({ state: 0 }).state).toBe("ok");
    expect(host({ state: 1 }).state).toBe("critical");
    expect(() => host({ state: 2 })).toThrow(/state: got 2, expected a state of a Host/);
  });

  test("what was never checked is pending, whatever state it shows", () => {
    const pending = service({ state: 3, state_type: 0, last_check: -1, last_check_result: null });
    expect(pending).toMatchObject({ pending: true, hard: false, checkedUnixNano: 0n });
    expect(suppressionOf(pending, {})).toMatch("pending");
  });

  test("what a terminal would obey is no output, and a long one is cut", () => {
    const output = (text: string) => service({ last_check_result: { output: text } }).output;
    expect(output("\u001b[2Jred\u0007")).toBe("[2Jred");
    expect(output("x".repeat(5_000))).toHaveLength(1_001);
    expect(output("")).toBe("");
  });

  test("whatever JSON it is, it is read or refused", () => {
    const anything = fc.jsonValue();
    const near = fc.record(
      Object.fromEntries(
        Object.keys(ATTRS).map((key) => [
          key,
          fc.oneof(anything, fc.constant(ATTRS[key as keyof typeof ATTRS])),
        ]),
      ),
    );
    const entry = fc.oneof(
      anything,
      fc.record({
        type: fc.constantFrom("Host", "Service", 7),
        attrs: near,
        joins: fc.constant({ host: HOST }),
      }),
    );
    fc.assert(
      fc.property(entry, (value) => {
        for (const read of [readObject, readAcknowledgement, readDowntime])
          try {
            read(value);
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedJson);
          }
      }),
    );
  });
});

describe("a problem is left alone", () => {
  test.each([
    ["in a downtime", { downtime_depth: 1 }, {}, "in downtime"],
    ["in a downtime of its host", {}, { downtime_depth: 1 }, "its host is in downtime"],
    ["while it flaps", { flapping: true }, {}, "flapping"],
    ["when its host is down", {}, { state: 1 }, "unreachable: its host is down"],
    ["when what it depends on was down", { last_reachable: false }, {}, "unreachable: what"],
  ])("%s", (_when, attrs, ofHost, expected) => {
    expect(suppressionOf(service(attrs, ofHost), {})).toMatch(expected);
  });

  test("when a person acknowledged it, and not when OpsBot did", () => {
    const acknowledged = service({ acknowledgement: 1 });
    expect(suppressionOf(acknowledged, { acknowledgedBy: "anna" })).toBe("acknowledged by anna");
    expect(suppressionOf(acknowledged, {})).toBeUndefined();
  });

  test("and what is well in a downtime is well", () => {
    expect(suppressionOf(service({ downtime_depth: 1, state: 0 }), {})).toBeUndefined();
    expect(suppressionOf(service({ flapping: true, state: 0 }), {})).toBe("flapping");
  });

  test("and what would flap, where nobody looks whether it flaps, is not", () => {
    const attrs = { flapping: true, enable_flapping: false };
    expect(suppressionOf(service(attrs), {})).toBeUndefined();
  });

  test("a host that is not down for certain yet hides nothing", () => {
    expect(suppressionOf(service({}, { state: 1, state_type: 0 }), {})).toBeUndefined();
  });

  test("the words of people are data: one line, and not long", () => {
    const attrs = {
      host_name: "edge-1",
      service_name: "",
      author: `anna\n${"x".repeat(100)}`,
      fixed: false,
      end_time: 2_000,
      trigger_time: 1_000,
      duration: 60,
    };
    const downtime = readDowntime({ attrs });
    expect(downtime).toMatchObject({
      name: "edge-1",
      active: true,
      endUnixNano: 1_060_000_000_000n,
    });
    expect(downtime.author).toHaveLength(60);
    expect(downtime.author).not.toContain("\n");
  });
});

test("performance data: the first value, with limits that have one end", () => {
  expect(firstMeasured(["'hit rate'=42.5%;80:;@20:;0;100", "b=1"])).toEqual({
    value: 42.5,
    unit: "%",
    warning: 80,
    critical: 20,
  });
  expect(firstMeasured(["age=3s;~:10;30"])).toEqual({
    value: 3,
    unit: "s",
    warning: 10,
    critical: 30,
  });
  expect(firstMeasured(["load=1;2:5;"])).toMatchObject({
    unit: "",
    warning: undefined,
    critical: undefined,
  });
  for (const wrong of [undefined, "a=1", [], [7], ["nothing"], ["a=U;1;2"], ["a=.;1"]])
    expect(firstMeasured(wrong)).toBeUndefined();
});
