/** What any link promises, on links in memory and on gRPC under mutual TLS. */
import type { Frame } from "@glassline/proto/mesh";
import { MeshLinkService } from "@glassline/proto/mesh";
import { addService } from "@glassline/proto/rpc";
import { backoff } from "@glassline/service/backoff";
import { systemClock } from "@glassline/service/clock";
import { closeGrpc, listenGrpc } from "@glassline/service/grpc";
import { ephemeralPki } from "@glassline/service/pki";
import { mutualTlsServer } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";

import { acceptLinks, grpcDialler } from "./grpc-links.ts";
import { keepLink } from "./keep-link.ts";
import type { Link, LinkEvents } from "./link.ts";
import { linkInMemory } from "./memory-links.testing.ts";
import { NO_KEYS } from "./sealed/key-supply.ts";
import { UdpLinks } from "./sealed/udp-links.ts";

/** Writes down what a router would be told. */
class Recorder implements LinkEvents {
  link: Link | undefined;
  readonly told: string[] = [];
  readonly frames: Frame[] = [];

  up(link: Link): void {
    this.link = link;
    this.told.push(`up ${link.neighbour}`);
    // The accepting end speaks first, as a router does.
    link.send({ frame: { case: "hello", value: { seq: 0n } } });
  }

  frame(_link: Link, frame: Frame): void {
    this.frames.push(frame);
  }

  down(link: Link): void {
    this.told.push(`down ${link.neighbour}`);
  }

  seqs(): number[] {
    return this.frames.flatMap(({ frame }) =>
      frame.case === "hello" ? [Number(frame.value.seq)] : [],
    );
  }
}

interface Pair {
  a: Recorder;
  b: Recorder;
  stop: () => Promise<void>;
}

async function until(check: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !check(); tries++) await systemClock.sleep(10);
  expect(check()).toBe(true);
}

function linkContract(name: string, open: () => Promise<Pair>): void {
  describe(`${name} keep the contract of a link`, () => {
    test("both ends are told up with the neighbour's name, frames arrive in order, both are told down once", async () => {
      const { a, b, stop } = await open();
      await until(() => a.link !== undefined && b.link !== undefined);
      for (let seq = 1; seq <= 200; seq++)
        expect(a.link!.send({ frame: { case: "hello", value: { seq: BigInt(seq) } } })).toBe(true);
      await until(() => b.seqs().length === 201);
      expect(b.seqs()).toEqual(Array.from({ length: 201 }, (_, seq) => seq));
      b.link!.send({ frame: { case: "hello", value: { seq: 7n } } });
      await until(() => a.seqs().includes(7));
      a.link!.close("test");
      await until(() => a.told.length === 2 && b.told.length === 2);
      await systemClock.sleep(50);
      expect([a.told, b.told]).toEqual([
        ["up b", "down b"],
        ["up a", "down a"],
      ]);
      await stop();
    });

    test("a closed link takes nothing", async () => {
      const { a, b, stop } = await open();
      await until(() => a.link !== undefined && b.link !== undefined);
      a.link!.close("test");
      await until(() => b.told.length === 2);
      expect(a.link!.send({ frame: { case: "hello", value: { seq: 1n } } })).toBe(false);
      expect(b.link!.send({ frame: { case: "hello", value: { seq: 1n } } })).toBe(false);
      await stop();
    });

    test("a link that is full refuses instead of growing", async () => {
      const { a, b, stop } = await open();
      await until(() => a.link !== undefined && b.link !== undefined);
      const payload = new Uint8Array(4_000);
      const accepted = Array.from({ length: 3_000 }, () =>
        a.link!.send({ frame: { case: "data", value: { payload } } }),
      );
      expect(accepted.slice(0, 100)).not.toContain(false);
      expect(accepted.filter((taken) => !taken).length).toBeGreaterThan(0);
      a.link!.close("test");
      await stop();
    });
  });
}

linkContract("links in memory", async () => {
  const [a, b] = [new Recorder(), new Recorder()];
  linkInMemory({ name: "a", events: a }, { name: "b", events: b });
  return { a, b, stop: async () => {} };
});

linkContract("links over gRPC", async () => {
  const [a, b] = [new Recorder(), new Recorder()];
  const issue = await ephemeralPki();
  const server = new grpc.Server();
  addService(server, MeshLinkService, acceptLinks(b, 2n));
  const credentials = mutualTlsServer(await issue({ role: "mesh-node", instance: "b" }));
  const port = await listenGrpc(server, "test", "127.0.0.1", 0, credentials);
  const abort = new AbortController();
  // One try only: a link that is closed stays closed.
  const patience = backoff({ firstMs: 60_000, maxMs: 60_000, random: () => 1 });
  const dialled = keepLink(
    { name: "b", host: "localhost", port },
    {
      dial: grpcDialler({
        identity: await issue({ role: "mesh-node", instance: "a" }),
        incarnation: 1n,
        events: a,
      }),
      clock: systemClock,
      backoff: patience,
      failed: () => {},
    },
    abort.signal,
  );
  return {
    a,
    b,
    stop: async () => {
      abort.abort();
      await closeGrpc(server, 0);
      await dialled;
    },
  };
});

linkContract("links over UDP", async () => {
  const [a, b] = [new Recorder(), new Recorder()];
  const issue = await ephemeralPki();
  const open = async (instance: string, incarnation: bigint, events: Recorder) =>
    UdpLinks.open("127.0.0.1", 0, {
      identity: await issue({ role: "mesh-node", instance }),
      incarnation,
      events,
      clock: systemClock,
      keys: NO_KEYS,
      mode: "hybrid",
      allowSimulatedKeys: false,
      dropped: () => {},
    });
  const [ofA, ofB] = [await open("a", 1n, a), await open("b", 2n, b)];
  const abort = new AbortController();
  const patience = backoff({ firstMs: 60_000, maxMs: 60_000, random: () => 1 });
  const keep = { dial: ofA.dial, clock: systemClock, backoff: patience, failed: () => {} };
  const dialled = keepLink({ name: "b", host: "localhost", port: ofB.port }, keep, abort.signal);
  return {
    a,
    b,
    stop: async () => {
      abort.abort();
      await dialled;
      await ofA[Symbol.asyncDispose]();
      await ofB[Symbol.asyncDispose]();
    },
  };
});

describe("links over gRPC", () => {
  test("are not made with a neighbour of another name, nor by one that is no mesh node", async () => {
    const issue = await ephemeralPki();
    const accepted = new Recorder();
    const server = new grpc.Server();
    addService(server, MeshLinkService, acceptLinks(accepted, 2n));
    const port = await listenGrpc(
      server,
      "test",
      "127.0.0.1",
      0,
      mutualTlsServer(await issue({ role: "mesh-node", instance: "b" })),
    );
    const reasons: string[] = [];
    const dial = async (name: string, role: "mesh-node" | "camera") => {
      const abort = new AbortController();
      const deps = {
        dial: grpcDialler({
          identity: await issue({ role, instance: "a" }),
          incarnation: 1n,
          events: new Recorder(),
        }),
        clock: systemClock,
        backoff: backoff({ firstMs: 60_000, maxMs: 60_000, random: () => 1 }),
        failed: (reason: string) => {
          reasons.push(reason);
          abort.abort();
        },
      };
      await keepLink({ name, host: "localhost", port }, deps, abort.signal);
    };
    await dial("c", "mesh-node");
    await dial("b", "camera");
    expect(reasons[0]).toContain("expected mesh-node c");
    expect(reasons[1]).toContain("camera a may not call this");
    expect(accepted.told).toEqual([]);
    await closeGrpc(server, 0);
  });
});
