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
