import { readFileSync } from "node:fs";

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { channelSchemaText } from "./description.ts";
import { DescriptionError, readDescription } from "./read-description.ts";

const LEAST = "channel: harbour\nsource: /live/cam-0001/index.m3u8\nmachines: [machine-1]\n";

const MANY = Array.from({ length: 17 }, (_, at) => `m-${at + 1}`).join(", ");

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

  test("has for caches what edges have flags for, and services of the overlay", () => {
    const cache =
      "cache: {disk: 2GiB, accessLog: 5%, clientRate: 40, blockingLifetime: 500ms}\noverlay: {services: {studio: machine-1}}\n";
    expect(readDescription(LEAST + cache)).toMatchObject({
      cache: { disk: 2 ** 31, accessLog: 0.05, clientRate: 40, blockingLifetime: 500 },
      overlay: { services: { studio: "machine-1" } },
    });
    const { cache: least, overlay } = readDescription(LEAST);
    expect(least).toMatchObject({ accessLog: 0, clientRate: 0 });
    expect([least.disk, least.blockingLifetime, overlay.services]).toEqual([
      undefined,
      undefined,
      {},
    ]);
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
    [
      `${LEAST}overlay:\n  services: {studio: machine-2}\n`,
      "5:22 overlay.services.studio: got machine-2, expected one of machine-1",
    ],
    [
      `${LEAST}overlay: {kind: none, services: {studio: machine-1}}\n`,
      "4:33 overlay.services: got some without one",
    ],
    [`${LEAST}overlay: {services: {Studio: machine-1}}\n`, "overlay.services.Studio: got"],
    [`${LEAST}cache:\n  disk: 5MiB\n`, '5:9 cache.disk: got "5MiB", expected at least 64MiB'],
    [`${LEAST}cache:\n  disk: 2000GiB\n`, '5:9 cache.disk: got "2000GiB", expected at most'],
    [`${LEAST}cache: {accessLog: 1}\n`, "4:20 cache.accessLog: got 1, expected a text"],
    [`${LEAST}cache: {clientRate: -1}\n`, "4:21 cache.clientRate: got -1, expected at least 0"],
    [
      `${LEAST}cache: {blockingLifetime: 1h}\n`,
      '4:27 cache.blockingLifetime: got "1h", expected a time from 0 s to 600 s',
    ],
    ["channel: [\n", "YAML:"],
    ["channel: a\nchannel: b\n", "YAML: Map keys must be unique"],
    ["a: &x [1]\nb: *x\n", "1:1 got an alias (*), expected a text without any"],
    [`${LEAST}clients: {dns: {https: "http://x.example", domains: [x.example]}}`, "https://"],
    [`${LEAST}clients: {token: 60d}\n`, '4:18 clients.token: got "60d", expected a time from 60 s'],
    [
      `${LEAST}title: ${"x".repeat(80)}\nclients: {}\n`,
      "4:8 title: got 80 characters, expected with clients one line of at most 64",
    ],
    [`${LEAST}clients: {organization: ${"x".repeat(101)}}\n`, "4:25 clients.organization: got"],
    [
      `${LEAST}clients: {wifi: {ssid: a, passwordFile: /etc/x}}\n`,
      '4:41 clients.wifi.passwordFile: got "/etc/x", expected the name of a file in the folder of secrets',
    ],
    [`${LEAST}clients: {wifi: {ssid: a}}\n`, "4:17 clients.wifi: got no passwordFile"],
    [
      `channel: a\nsource: /a/b.m3u8\nmachines: [${MANY}]\nclients: {}\n`,
      "3:99 machines: got 17, expected at most 16 of them with clients",
    ],
    [
      `channel: a\nsource: /live/a%20b/index.m3u8\nmachines: [m]\nclients: {}\n`,
      '2:9 source: got "/live/a%20b/index.m3u8", expected with clients at most 128 characters',
    ],
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
    expect(JSON.parse(channelSchemaText())).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      $id: expect.stringMatching(/^https:.*channel\.schema\.json$/),
      type: "object",
      required: expect.arrayContaining(["channel", "source", "machines"]),
      properties: { machines: { type: "array" }, slo: { type: "object" } },
    });
  });

  test("has the JSON Schema that is published", () => {
    const published = new URL("../../../docs/channel.schema.json", import.meta.url);
    expect(readFileSync(published, "utf8")).toBe(channelSchemaText());
  });
});
