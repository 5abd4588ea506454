import { create } from "@bufbuild/protobuf";
import { EdgeSpecSchema } from "@glassline/proto/node";
import { expect, test } from "vitest";

import { wordsOf } from "./edge-command.ts";

const COMMAND = {
  instanceId: "one",
  pkiDir: "/pki",
  logLevel: "info",
  drainMs: 0,
  tokenKeysPath: "/data/token-keys.json",
  revocationsPath: "/data/revocations.json",
  diskPath: "/data/disk",
  accessLogPath: "/data/access.log",
  viewerPairPath: "/data/viewers/pair.pem",
};

test("only an edge that shall serve viewers by TLS is given their certificate", () => {
  const wordsWith = (viewerTls: boolean) =>
    wordsOf(create(EdgeSpecSchema, { name: "edge-1", viewerTls }), COMMAND);
  const plain = wordsWith(false);
  expect(plain.filter((word) => word.startsWith("--tls-"))).toEqual([]);
  expect(wordsWith(true).filter((word) => !plain.includes(word))).toEqual([
    "--tls-cert=/data/viewers/pair.pem",
    "--tls-key=/data/viewers/pair.pem",
  ]);
});

test("an origin over TLS is known by the network's certificates, another edge by its name", () => {
  const trustIn = (originUrl: string, shield = "") =>
    wordsOf(create(EdgeSpecSchema, { originUrl, shield }), COMMAND).filter((word) =>
      word.startsWith("--origin-"),
    );
  expect(trustIn("https://10.77.0.2:7450")).toEqual(["--origin-trust=network"]);
  expect(trustIn("https://10.77.0.3:7466", "edge-1")).toEqual(["--origin-edge=edge-1"]);
  expect(trustIn("http://127.0.0.1:8000")).toEqual([]);
});

test("what viewers add to addresses makes no copies", () => {
  expect(wordsOf(create(EdgeSpecSchema, {}), COMMAND)).toContain("--ignore-query=*");
});

test("an edge of a deployed channel that protects paths is told which channel tokens must name", () => {
  const flagOf = (channel: string, ...protectedPaths: string[]) =>
    wordsOf(create(EdgeSpecSchema, { name: "edge-1", channel, protectedPaths }), COMMAND).find(
      (word) => word.startsWith("--deployed-channel"),
    );
  expect(flagOf("harbour", "/live/cam-0001/")).toBe("--deployed-channel=harbour");
  expect(flagOf("", "/live/cam-0001/")).toBeUndefined();
  expect(flagOf("harbour")).toBeUndefined();
});

test("an edge is given the flags of the cache that is wished, and none of what is not", () => {
  const wordsWith = (wish: object) => wordsOf(create(EdgeSpecSchema, wish), COMMAND);
  const plain = wordsWith({ name: "edge-1" });
  const wished = { diskMaxBytes: 67_108_864n, accessLogShare: 0.05, clientRate: 40 };
  const words = wordsWith({ name: "edge-1", ...wished, blockingLifetimeMs: 0 });
  expect(words.filter((word) => !plain.includes(word))).toEqual([
    "--disk=/data/disk",
    "--disk-size=67108864B",
    "--access-log=/data/access.log",
    "--access-log-sample=0.05",
    "--access-log-size=32MiB",
    "--client-rate=40",
    "--blocking-lifetime=/=0ms",
  ]);
});
