import { privateKeyOf } from "@glassline/quantum/keys/x-wing";
import { systemClock } from "@glassline/service/clock";
import { ephemeralPki } from "@glassline/service/pki";
import { expect, test } from "vitest";

import { selfTest } from "./self-test.ts";

const CONTEXT = "test";

test("a node that can make links passes its own test, one with another's key does not", async () => {
  const issue = await ephemeralPki();
  const identity = await issue({ role: "mesh-node", instance: "a" });
  const stranger = await issue({ role: "mesh-node", instance: "b" });
  const key = privateKeyOf();
  const self = { name: "a", publicKey: key.publicKey, incarnation: 1n };
  const own = { self, key, identity, clock: systemClock };
  expect(() => selfTest(CONTEXT, own)).not.toThrow();
  const wrong = { ...identity, privateKey: stranger.privateKey };
  expect(() => selfTest(CONTEXT, { ...own, identity: wrong })).toThrow(
    "self-test of links over UDP: ",
  );
  const other = { ...self, publicKey: privateKeyOf().publicKey };
  expect(() => selfTest(CONTEXT, { ...own, self: other })).toThrow("self-test");
  const ahead = { ...systemClock, nowMs: () => Date.now() + 900_000 };
  expect(() => selfTest(CONTEXT, { ...own, clock: ahead })).toThrow("check the clocks");
});
