import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { channelJsonSchema } from "./description.ts";
import { DescriptionError, readDescription } from "./read-description.ts";

const LEAST = "channel: harbour\nsource: /live/cam-0001/index.m3u8\nmachines: [machine-1]\n";

function problemsOf(yaml: string): string {
  try {
    readDescription(yaml);
  } catch (error) {
    if (error instanceof DescriptionError) return error.message;
    throw error;
  }
  throw new Error("got a description, expected mistakes");
}

describe("a description", () => {
  test("needs a name, a source and machines; all else has a default", () => {
    expect(readDescription(LEAST)).toMatchObject({
      channel: "harbour",
      tenant: "default",
      machines: ["machine-1"],
      overlay: { kind: "vxlan", ipv4: false },
      slo: { hitRate: 0.8, firstByte: 500, for: 8_000 },
    });
  });

  test("has times, sizes and shares with their units", () => {
    const yaml = `${LEAST}cache: {memory: 2GiB}\nslo: {hitRate: 97.5%, firstByte: 250ms, for: 1m}\n`;
    expect(readDescription(yaml)).toMatchObject({
      cache: { memory: 2 ** 31 },
      slo: { hitRate: 0.975, firstByte: 250, for: 60_000 },
    });
  });

  test.each([
    ["", "1:1 channel.yaml: got nothing, expected a map"],
    ["channel: Harbour\n", '1:10 channel: got "Harbour", expected a letter, then'],
    [`${LEAST}slo:\n  hitRate: 110%\n`, '5:12 slo.hitRate: got "110%", expected at most 100%'],
    [`${LEAST}slo:\n  hitrate: 90%\n`, "5:3 slo.hitrate: there is no such setting"],
    [`${LEAST}slo:\n  players: 1001\n`, "5:12 slo.players: got 1001, expected at most 1000"],
    [`${LEAST}cache: {memory: 5}\n`, "4:17 cache.memory: got 5, expected a text"],
    [
      `${LEAST}spares: [machine-1]\n`,
      "4:10 spares: got machine-1, expected one that is not in machines",
    ],
    [
      `${LEAST}overlay: {gateways: {a: [x]}}\n`,
      "overlay.gateways.a: got x, expected one of its machines",
    ],
    ["channel: [\n", "YAML:"],
    ["channel: a\nchannel: b\n", "YAML: Map keys must be unique"],
    ["a: &x [1]\nb: *x\n", "1:1 got an alias (*), expected a text without any"],
    [`${LEAST}clients: {dns: {https: "http://x.example", domains: [x.example]}}`, "https://"],
  ])("that is wrong is told by line and column: %j", (yaml, expected) => {
    expect(problemsOf(yaml)).toContain(expected);
  });

  test("tells all its mistakes at once", () => {
    expect(problemsOf("channel: 5\nsource: live\nmachines: []\n").split("\n")).toHaveLength(3);
  });

  test("that is any text at all is read, or refused with places in it", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          readDescription(text);
        } catch (error) {
          expect(error).toBeInstanceOf(DescriptionError);
          for (const { line, column } of (error as DescriptionError).mistakes) {
            expect(line).toBeGreaterThan(0);
            expect(column).toBeGreaterThan(0);
          }
        }
      }),
    );
  });

  test("has a JSON Schema that editors can use", () => {
    expect(channelJsonSchema()).toMatchObject({
      type: "object",
      required: expect.arrayContaining(["channel", "source", "machines"]),
      properties: { machines: { type: "array" }, slo: { type: "object" } },
    });
  });
});
