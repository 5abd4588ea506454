/** Two ends with real sockets, and between them a network that loses, doubles, mixes up and listens. */
import { createSocket } from "node:dgram";
import type { RemoteInfo, Socket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";

import type { Endpoint } from "@glassline/config";
import type { Frame } from "@glassline/proto/mesh";
import type { Mode, QuantumKey } from "@glassline/quantum/keys/epoch";
import type { KeyTimes } from "@glassline/quantum/keys/records";
import { backoff } from "@glassline/service/backoff";
import { systemClock } from "@glassline/service/clock";
import type { Clock } from "@glassline/service/clock";
import type { Role } from "@glassline/service/identity";
import { ephemeralPki } from "@glassline/service/pki";
import { seededRandom } from "@glassline/service/random";
import { afterEach, beforeAll, describe, expect, test } from "vitest";

import { keepLink } from "../keep-link.ts";
import type { Link, LinkEvents } from "../link.ts";
import type { KeySupply } from "./key-supply.ts";
import { NO_KEYS } from "./key-supply.ts";
import { UdpLinks } from "./udp-links.ts";

let issue: Awaited<ReturnType<typeof ephemeralPki>>;
let cleanup: AsyncDisposableStack;
beforeAll(async () => {
  issue = await ephemeralPki();
});
afterEach(() => cleanup?.disposeAsync());

interface Wanted {
  role?: Role;
  keys?: KeySupply;
  mode?: Mode;
  allowSimulatedKeys?: boolean;
  clock?: Clock;
  keyTimes?: KeyTimes;
  tcpPort?: number;
  fallbacks?: readonly Endpoint[];
  issuer?: typeof issue;
}

class End implements LinkEvents {
  readonly frames: Frame["frame"][] = [];
  readonly ups: Link[] = [];
  readonly keysLastS: number[] = [];
  downs = 0;
  readonly dropped = new Map<string, number>();
  links!: UdpLinks;

  static async open(instance: string, wanted: Wanted = {}): Promise<End> {
    const end = new End();
    const { role = "mesh-node", keys = NO_KEYS, mode = "hybrid", issuer = issue } = wanted;
    end.links = await UdpLinks.open("127.0.0.1", 0, {
      identity: await issuer({ role, instance }),
      incarnation: BigInt(instance.length),
      events: end,
      clock: wanted.clock ?? systemClock,
      keys,
      mode,
      allowSimulatedKeys: wanted.allowSimulatedKeys ?? false,
      ...(wanted.keyTimes && { keyTimes: wanted.keyTimes }),
      tcpPort: wanted.tcpPort,
      fallbacks: wanted.fallbacks ?? [],
      dropped: (reason) => end.dropped.set(reason, (end.dropped.get(reason) ?? 0) + 1),
    });
    cleanup.use(end.links);
    return end;
  }

  get link(): Link | undefined {
    return this.ups.at(-1);
  }

  up(link: Link): void {
    this.ups.push(link);
  }

  frame(_link: Link, { frame }: Frame): void {
    this.frames.push(frame);
  }

  down(): void {
    this.downs++;
  }

  keys(_link: Link, { keysLastS }: { keysLastS: number }): void {
    this.keysLastS.push(keysLastS);
  }

  /** Requests: they come in order. */
  heard(): number[] {
    return this.frames.flatMap((one) => (one.case === "seqnoRequest" ? [one.value.seqno] : []));
  }
}

const request = (seqno: number) =>
  ({ frame: { case: "seqnoRequest", value: { origin: "a secret word", seqno } } }) as const;

/** @returns why tries failed. */
function keep(from: End, name: string, port: number): string[] {
  const reasons: string[] = [];
  const abort = new AbortController();
  const tries = backoff({ firstMs: 50, maxMs: 100, random: () => 1 });
  const { dial } = from.links;
  const failed = (reason: string) => void reasons.push(reason);
  const kept = keepLink(
    { name, host: "localhost", port },
    { dial, clock: systemClock, backoff: tries, failed },
    abort.signal,
  );
  cleanup.defer(() => {
    abort.abort();
    return kept;
  });
  return reasons;
}

async function until(check: () => boolean, timeoutMs = 20_000): Promise<void> {
  for (let left = timeoutMs / 10; left > 0 && !check(); left--) await systemClock.sleep(10);
  expect(check()).toBe(true);
}

interface Weather {
  lost?: number;
  doubled?: number;
  late?: number;
}

/** Stands before an end: who sends to its port reaches the end, if at all. */
async function network(port: number, weather: Weather = {}) {
  const { lost = 0, doubled = 0, late = 0 } = weather;
  const random = seededRandom(11);
  const seen: Buffer[] = [];
  const [front, back] = [createSocket("udp4"), createSocket("udp4")];
  front.bind(0, "127.0.0.1");
  back.bind(0, "127.0.0.1");
  await Promise.all([once(front, "listening"), once(back, "listening")]);
  let dialler: RemoteInfo | undefined;
  const carry = (datagram: Buffer, socket: Socket, to: number) => {
    seen.push(datagram);
    for (let copies = random() < doubled ? 2 : 1; copies > 0; copies--) {
      if (random() < lost) continue;
      const send = () => socket.send(datagram, to, "127.0.0.1", () => {});
      if (random() < late) setTimeout(send, 20 * random());
      else send();
    }
  };
  front.on("message", (datagram, from) => {
    dialler = from;
    carry(datagram, back, port);
  });
  back.on("message", (datagram) => dialler && carry(datagram, front, dialler.port));
  cleanup.defer(async () => {
    // What is late is sent before.
    await systemClock.sleep(30);
    front.close();
    back.close();
  });
  return { port: front.address().port, seen };
}

const KEY: QuantumKey = { id: "key-1", key: Buffer.alloc(32, 7), source: "sim" };
const SIMULATED: KeySupply = {
  ...NO_KEYS,
  fresh: async () => KEY,
  known: async () => [KEY],
};

describe("links over UDP", () => {
  test("bring all that routes hang on, in order, where a network loses, doubles and mixes up", async () => {
    cleanup = new AsyncDisposableStack();
    const [a, b] = [await End.open("a"), await End.open("b")];
    const weather = { lost: 0.15, doubled: 0.1, late: 0.2 };
    const { port } = await network(b.links.port, weather);
    keep(a, "b", port);
    await until(() => a.link !== undefined && b.link !== undefined);
    for (let seqno = 1; seqno <= 500; seqno++) {
      expect(a.link!.send(request(seqno))).toBe(true);
      if (seqno % 50 === 0) await systemClock.sleep(5);
    }
    const payload = Buffer.alloc(200_000, "a secret word");
    b.link!.send({ frame: { case: "data", value: { payload } } });
    await until(() => b.heard().length === 500 && a.frames.length === 1);
    expect(b.heard()).toEqual(Array.from({ length: 500 }, (_, at) => at + 1));
    expect(a.frames[0]).toMatchObject({ case: "data", value: { payload } });
    expect(b.dropped.get("replayed")).toBeGreaterThan(0);
    expect([a.downs, b.downs]).toEqual([0, 0]);
  });

  test("show nobody on the way what they carry, and no number twice under a key", async () => {
    cleanup = new AsyncDisposableStack();
    const [a, b] = [await End.open("a"), await End.open("b")];
    const { port, seen } = await network(b.links.port);
    keep(a, "b", port);
    await until(() => a.link !== undefined && b.link !== undefined);
    for (let seqno = 1; seqno <= 50; seqno++) a.link!.send(request(seqno));
    await until(() => b.heard().length === 50);
    expect(Buffer.concat(seen).includes("secret word")).toBe(false);
    const records = seen.filter((datagram) => datagram[0] === 4);
    const numbers = records.map((record) => record.subarray(4, 16).toString("hex"));
    expect(records.length).toBeGreaterThan(2);
    expect(new Set(numbers).size).toBe(records.length);
  });

  test("are made with nobody of another name, role or network", async () => {
    cleanup = new AsyncDisposableStack();
    const b = await End.open("b");
    const otherIssuer = await ephemeralPki();
    const ends = [
      await End.open("a"),
      await End.open("cam", { role: "camera" }),
      await End.open("stranger", { issuer: otherIssuer }),
    ];
    const reasons = keep(ends[0]!, "c", b.links.port);
    keep(ends[1]!, "b", b.links.port);
    keep(ends[2]!, "b", b.links.port);
    await until(() => reasons.length > 0 && (b.dropped.get("not_of_this_network") ?? 0) > 3);
    expect(reasons[0]).toBe("certificate: got that of mesh-node b, expected mesh-node c");
    for (const end of [b, ...ends]) expect(end.ups).toEqual([]);
  });

  test("take in QKD keys, and say what these come from", async () => {
    cleanup = new AsyncDisposableStack();
    const wanted: Wanted = { keys: SIMULATED, mode: "qkd-required", allowSimulatedKeys: true };
    const [a, b] = [await End.open("a", wanted), await End.open("b", wanted)];
    keep(a, "b", b.links.port);
    await until(() => a.link !== undefined && b.link !== undefined);
    expect([a.link!.keySource, b.link!.keySource]).toEqual(["sim", "sim"]);
  });

  test("take in a QKD key soon when there was none at first", async () => {
    cleanup = new AsyncDisposableStack();
    let stored = 0;
    const stock = async () => ({ keys: stored, madePerS: 0, qber: undefined });
    const fresh = async () => (stored > 0 ? KEY : undefined);
    const keys: KeySupply = { ...SIMULATED, fresh, stock };
    const [a, b] = [await End.open("a", { keys }), await End.open("b", { keys })];
    keep(a, "b", b.links.port);
    await until(() => a.link !== undefined && b.link !== undefined);
    expect([a.link!.keySource, b.link!.keySource]).toEqual(["x-wing", "x-wing"]);
    stored = 5;
    await until(() => a.link!.keySource === "sim" && b.link!.keySource === "sim");
    expect([a.ups.length, b.ups.length, a.link!.keyEpoch]).toEqual([1, 1, 1]);
  });

  test("are none without a QKD key where one is required, nor with a simulated one that is not allowed", async () => {
    cleanup = new AsyncDisposableStack();
    const mode = "qkd-required" as const;
    const [none, simulated] = [
      await End.open("none", { mode }),
      await End.open("sim", { mode, keys: SIMULATED }),
    ];
    const b = await End.open("b", { mode, keys: SIMULATED });
    const [ofNone, ofSimulated] = [none, simulated].map((end) => keep(end, "b", b.links.port));
    await until(() => ofNone!.length > 0 && (b.dropped.get("no_quantum_key") ?? 0) > 0);
    expect(ofNone![0]).toContain("got no QKD key");
    expect([...none.ups, ...simulated.ups, ...b.ups]).toEqual([]);
    expect(ofSimulated).toBeDefined();
  });

  test("are none with a key that only one end has, or of another mode", async () => {
    cleanup = new AsyncDisposableStack();
    const mine = { ...KEY, key: Buffer.alloc(32, 8) };
    const keys = { ...NO_KEYS, fresh: async () => mine, known: async () => [mine] };
    const allowSimulatedKeys = true;
    const a = await End.open("a", { keys, allowSimulatedKeys });
    const b = await End.open("b", { keys: SIMULATED, allowSimulatedKeys });
    const c = await End.open("c", { keys: SIMULATED, mode: "qkd-required", allowSimulatedKeys });
    const reasons = keep(a, "b", b.links.port);
    keep(a, "c", c.links.port);
    await until(() => reasons.length > 0 && (c.dropped.get("other_mode") ?? 0) > 0);
    expect(reasons[0]).toContain("the seal is wrong");
    for (const end of [a, b, c]) expect(end.ups).toEqual([]);
  });

  test("get new keys in time, without an end", async () => {
    cleanup = new AsyncDisposableStack();
    let aheadMs = 0;
    const monotonicMs = () => systemClock.monotonicMs() + aheadMs;
    const clock: Clock = {
      ...systemClock,
      monotonicMs,
      sleep: async (lengthMs, signal) => {
        for (const wakeMs = monotonicMs() + lengthMs; monotonicMs() < wakeMs;)
          await systemClock.sleep(2, signal);
      },
      after: (lengthMs, call) => {
        const stop = new AbortController();
        void clock.sleep(lengthMs, stop.signal).then(call, () => {});
        return () => stop.abort();
      },
    };
    const [a, b] = [await End.open("a", { clock }), await End.open("b", { clock })];
    const { port, seen } = await network(b.links.port);
    keep(a, "b", port);
    await until(() => a.link !== undefined && b.link !== undefined);
    const indices = () =>
      new Set(seen.flatMap((one) => (one[0] === 4 ? [one.readUInt32LE(4)] : [])));
    a.link!.send(request(1));
    await until(() => b.heard().length === 1);
    const before = indices();
    aheadMs += 121_000;
    await until(() => indices().size > before.size);
    a.link!.send(request(2));
    await until(() => b.heard().length === 2);
    // The first keys are refused by now.
    aheadMs += 60_000;
    a.link!.send(request(3));
    await until(() => b.heard().length === 3);
    expect(b.heard()).toEqual([1, 2, 3]);
    expect([a.downs, b.downs, a.ups.length, b.ups.length]).toEqual([0, 0, 1, 1]);
  });

  test("end when the time of their keys is over and no others come, and are there again when these do", async () => {
    cleanup = new AsyncDisposableStack();
    const keyTimes = { rekeyAfterMs: 200, rejectAfterMs: 400 };
    let stored = 1;
    const keys: KeySupply = {
      ...NO_KEYS,
      fresh: async () => (stored-- > 0 ? KEY : undefined),
      known: async () => [KEY],
      stock: async () => ({ keys: Math.max(0, stored), madePerS: 0, qber: undefined }),
    };
    const wanted = { keys, keyTimes, mode: "qkd-required", allowSimulatedKeys: true } as const;
    const [a, b] = [await End.open("a", wanted), await End.open("b", wanted)];
    const { port, seen } = await network(b.links.port);
    keep(a, "b", port);
    await until(() => a.link !== undefined && b.link !== undefined);
    expect(a.link!.send(request(1))).toBe(true);
    await until(() => b.heard().length === 1);
    const used = (b.link!.keyAgeMs ?? 0) + 400;
    await systemClock.sleep(used);
    a.link!.send(request(2));
    await until(() => a.downs === 1);
    expect(a.ups).toHaveLength(1);
    expect(b.heard()).toEqual([1]);
    stored = 1_000;
    await until(() => a.ups.length === 2);
    a.link!.send(request(3));
    await until(() => b.heard().length === 2);
    expect(seen.filter((one) => one.includes("a secret word"))).toEqual([]);
    // At first there were none but the one in use. Then 999, each for .2 s, and what is left of the one in use.
    expect(a.keysLastS[0]).toBeLessThan(0.5);
    await until(() => a.keysLastS.at(-1)! > 190, 5_000);
    expect(a.keysLastS.at(-1)).toBeLessThan(201);
    await until(() => a.link!.keyEpoch! > 0);
    expect(b.keysLastS).toEqual([]);
  });

  test("another one takes the place of a link that is renewed", async () => {
    cleanup = new AsyncDisposableStack();
    const [a, b] = [await End.open("a"), await End.open("b")];
    keep(a, "b", b.links.port);
    await until(() => a.link !== undefined && b.link !== undefined);
    await a.link!.renew!();
    await until(() => b.ups.length === 2);
    expect(a.ups).toHaveLength(2);
    a.link!.send(request(5));
    await until(() => b.heard().includes(5));
  });

  test("go over TCP where a network lets no UDP through, and say so", async () => {
    cleanup = new AsyncDisposableStack();
    const b = await End.open("b", { tcpPort: 0 });
    const fallback = { name: "b", host: "127.0.0.1", port: b.links.tcpPort! };
    const a = await End.open("a", { fallbacks: [fallback] });
    const hole = createSocket("udp4");
    hole.bind(0, "127.0.0.1");
    await once(hole, "listening");
    cleanup.defer(() => void hole.close());
    keep(a, "b", hole.address().port);
    await until(() => a.link !== undefined && b.link !== undefined);
    expect([a.link!.transport, b.link!.transport]).toEqual(["tcp", "tcp"]);
    const payload = Buffer.alloc(200_000, "all of it");
    a.link!.send({ frame: { case: "data", value: { destination: "b", payload } } });
    for (let seqno = 1; seqno <= 100; seqno++) {
      expect(a.link!.send(request(seqno))).toBe(true);
      expect(b.link!.send(request(seqno))).toBe(true);
    }
    await until(() => a.heard().length === 100 && b.heard().length === 100);
    await until(() => b.frames.some((one) => one.case === "data"));
    // It is remembered: nobody waits for UDP again.
    b.link!.close("cut");
    await until(() => a.ups.length === 2 && b.ups.length === 2, 3_000);
    await a.link!.renew!();
    await until(() => b.ups.length === 3);
    expect(a.link!.transport).toBe("tcp");
  });

  test("over TCP are not disturbed by strangers, who are cut off when they say nothing that counts", async () => {
    cleanup = new AsyncDisposableStack();
    const b = await End.open("b", { tcpPort: 0 });
    const port = b.links.tcpPort!;
    const random = seededRandom(5);
    const strangers = Array.from({ length: 20 }, () => connect(port, "127.0.0.1"));
    for (const stranger of strangers) {
      stranger.on("error", () => {});
      cleanup.defer(() => void stranger.destroy());
      const some = (bytes: number) => Array.from({ length: bytes }, () => random() * 256);
      stranger.write(Buffer.from([0, 0, 0, 30, ...some(30), 0, 3, 4, 0, 0, ...some(3_000)]));
    }
    await until(() => (b.dropped.get("malformed") ?? 0) >= 2 * strangers.length);
    const a = await End.open("a", { fallbacks: [{ name: "b", host: "127.0.0.1", port }] });
    keep(a, "b", 9);
    await until(() => a.link !== undefined && b.link !== undefined);
    await until(() => strangers.every(({ closed }) => closed));
    expect(b.dropped.get("not_of_this_network")).toBe(strangers.length);
    // The link is no stranger's.
    await systemClock.sleep(6_000);
    a.link!.send(request(9));
    await until(() => b.heard().includes(9));
    expect([a.downs, b.downs]).toEqual([0, 0]);
  });

  test("whatever strangers send is counted, and nothing else", async () => {
    cleanup = new AsyncDisposableStack();
    const [a, b] = [await End.open("a"), await End.open("b")];
    keep(a, "b", b.links.port);
    await until(() => a.link !== undefined && b.link !== undefined);
    const stranger = createSocket("udp4");
    const random = seededRandom(3);
    for (let sent = 0; sent < 3_000; sent++) {
      const datagram = Buffer.from(
        Array.from({ length: 1 + random() * 100 }, () => random() * 256),
      );
      if (sent % 3 === 0) datagram[0] = 1;
      if (sent % 3 === 1) datagram.set([4, 0, 0, 0].slice(0, datagram.length));
      stranger.send(datagram, b.links.port, "127.0.0.1");
      if (sent % 100 === 0) await systemClock.sleep(2);
    }
    await until(() => (b.dropped.get("unknown_key") ?? 0) > 100);
    a.link!.send(request(9));
    await until(() => b.heard().includes(9));
    stranger.close();
  });
});
