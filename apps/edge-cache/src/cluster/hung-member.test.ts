/** A member that hangs: it takes what it is sent, and says nothing. */
import { freePort } from "@glassline/bench/ports";
import type { Clock } from "@glassline/service/clock";
import { systemClock } from "@glassline/service/clock";
import type { Logger } from "@glassline/service/logger";
import { ephemeralPki } from "@glassline/service/pki";
import { expect, test, vi } from "vitest";

import type { Cache } from "../cache.ts";
import { startEdge } from "../edge-cache.testing.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { Cluster } from "./cluster.ts";
import { MemberClient } from "./member-client.ts";
import { Member } from "./member.ts";
import { Wire } from "./wire.testing.ts";

const NOWHERE: Upstream = {
  asksOrigin: () => true,
  open: () => Promise.reject(new Error("nobody shall ask")),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/** "edge-2", which knows "edge-1", behind a wire. */
async function startMember() {
  await using stack = new AsyncDisposableStack();
  const issue = await ephemeralPki();
  const clusterPort = await freePort();
  const words = ["--name=edge-2", `--cluster-port=${clusterPort}`];
  const other = "--member=edge-1=https://127.0.0.1:1";
  stack.use(await startEdge("http://127.0.0.1:1", [...words, other], { issue }));
  const wire = stack.use(new Wire());
  const url = `https://127.0.0.1:${await wire.to(clusterPort)}`;
  const identity = await issue({ role: "edge-cache", instance: "edge-1" });
  const owned = stack.move();
  return { wire, url, identity, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

test("is away after two questions without a pause between them", async () => {
  await using member = await startMember();
  const { wire, url, identity } = member;
  const away = Promise.withResolvers<number>();
  let isFrozen = false;
  let pauses = 0;
  const clock: Clock = {
    ...systemClock,
    sleep: (lengthMs, signal) => {
      if (cluster.members[0]!.isReachable && !isFrozen) {
        isFrozen = true;
        wire.freeze();
      }
      if (isFrozen) pauses++;
      return systemClock.sleep(lengthMs, signal);
    },
  };
  const logger = { info: () => {}, warn: () => away.resolve(pauses) } as unknown as Logger;
  await using cluster: Cluster = new Cluster(
    { name: "edge-1", members: [{ name: "edge-2", url }] },
    NOWHERE,
    { identity, clock, logger, positions: undefined, counted: () => {} },
  );
  await cluster.start({} as Cache);
  expect(await away.promise).toBe(1);
  expect(cluster.members[0]!.isReachable).toBe(false);
});

test("is late also for who waits for a connection to it", async () => {
  await using member = await startMember();
  const { wire, url, identity } = member;
  await using asked = new Member("edge-2", url, NOWHERE);
  await using client = new MemberClient(asked, identity);
  await vi.waitFor(async () => expect((await client.state()).edge).toBe("edge-2"), 5_000);
  wire.freeze();
  // All of its connections, and then new ones, which come to no handshake.
  for (let time = 0; time < 3; time++)
    await expect(client.state()).rejects.toMatchObject({ name: "TimeoutError" });
});
