import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { StreamRequest } from "@glassline/proto/otqmn";
import { PassageSchema, StreamRequestSchema, StreamResponseSchema } from "@glassline/proto/otqmn";
import type { QuantumKey } from "@glassline/quantum/keys/epoch";
import { REJECT_AFTER_MS } from "@glassline/quantum/keys/records";
import type { Clock } from "@glassline/service/clock";
import { systemClock } from "@glassline/service/clock";
import type { PeerName } from "@glassline/service/identity";
import { ephemeralPki } from "@glassline/service/pki";
import { beforeAll, describe, expect, test } from "vitest";

import { signHello } from "../hello.ts";
import type { ResponseInit } from "./collector-seal.ts";
import { CollectorSeal } from "./collector-seal.ts";
import { ProducerSeal } from "./producer-seal.ts";
import { SHARE_BYTES, ShareBook, split } from "./shares.ts";
import type { OwnKeys } from "./stream-keys.ts";
import { SealError, ownKeys } from "./stream-keys.ts";

const GATEWAY: PeerName = { role: "mesh-node", instance: "node-1" };
const COLLECTOR: PeerName = { role: "collector", instance: "collector-1" };
const SECRET = "what a camera measures";

let issue: Awaited<ReturnType<typeof ephemeralPki>>;
let gateway: OwnKeys;
let collector: OwnKeys;
let laterMs = 0;
const clock: Clock = { ...systemClock, monotonicMs: () => laterMs };

beforeAll(async () => {
  issue = await ephemeralPki();
  gateway = ownKeys(await issue(GATEWAY), clock, 1n);
  collector = ownKeys(await issue(COLLECTOR), clock, 2n);
});

/** What goes over the way in between. */
class Pair {
  readonly seen: Uint8Array[] = [];
  readonly producer: ProducerSeal;
  readonly collector: CollectorSeal;
  readonly atCollector: StreamRequest[] = [];
  readonly atProducer: Uint8Array[] = [];

  constructor(own = gateway, other = collector, secret?: QuantumKey, book = new ShareBook()) {
    this.producer = new ProducerSeal(own, secret);
    this.collector = new CollectorSeal(other, book);
  }

  open(): this {
    this.toCollector(this.producer.opening());
    return this;
  }

  toCollector(bytes: Uint8Array): void {
    this.seen.push(bytes);
    const { inside, answer } = this.collector.take(fromBinary(StreamRequestSchema, bytes));
    if (inside) this.atCollector.push(inside);
    if (answer) this.toProducer(answer);
  }

  toProducer(response: ResponseInit): void {
    const message = create(StreamResponseSchema, response);
    this.seen.push(toBinary(StreamResponseSchema, message));
    const { inside, answer } = this.producer.take(message);
    if (inside) this.atProducer.push(inside);
    if (answer) this.toCollector(answer);
  }

  say(text: string): void {
    this.toCollector(this.producer.seal(requestOf(text)));
  }

  heard(): string[] {
    return this.atCollector.map(({ message }) =>
      message.case === "batch" ? Buffer.from(message.value.payload).toString() : "",
    );
  }
}

const requestOf = (text: string) =>
  toBinary(
    StreamRequestSchema,
    create(StreamRequestSchema, {
      message: { case: "batch", value: { payload: Buffer.from(text) } },
    }),
  );
const CREDIT: ResponseInit = { message: { case: "credit", value: { creditBytes: 7n } } };

describe("a sealed stream", () => {
  test("carries messages both ways, and shows nobody in between what they say", () => {
    const pair = new Pair().open();
    expect(pair.producer.isAgreed).toBe(true);
    pair.say(SECRET);
    pair.toProducer(pair.collector.put(CREDIT)!);
    expect(pair.heard()).toEqual([SECRET]);
    expect(fromBinary(StreamResponseSchema, pair.atProducer[0]!).message.case).toBe("credit");
    expect(pair.seen.filter((bytes) => Buffer.from(bytes).includes(SECRET))).toEqual([]);
  });

  test("takes in a secret that has come in shares, by streams of their own", () => {
    const book = new ShareBook();
    const key = new Uint8Array(SHARE_BYTES).fill(9);
    const bring = (share: Uint8Array, index: number, node: string) => {
      const step = { case: "share", value: { id: "s", index, count: 2, share } } as const;
      const passage = create(PassageSchema, { links: [{ from: "node-1", to: node }] });
      const message = { case: "opening", value: { step } } as const;
      const stream = new CollectorSeal(collector, book);
      stream.take(fromBinary(StreamRequestSchema, new ProducerSeal(gateway).opening()));
      return stream.take(create(StreamRequestSchema, { message, passage })).answer?.message;
    };
    const [first, second] = split(key, 2) as [Uint8Array, Uint8Array];
    expect(bring(first, 0, "node-2")).toMatchObject({
      value: { step: { value: { index: 0, nodes: ["node-2"] } } },
    });
    const secret = { id: "s", key, source: "shares" } as const;
    const early = new Pair(gateway, collector, secret, book);
    expect(() => early.open()).toThrow("shares: got 1 of a secret, expected 2");
    bring(first, 0, "node-2");
    bring(second, 1, "node-3");
    const pair = new Pair(gateway, collector, secret, book).open();
    pair.say(SECRET);
    expect(pair.heard()).toEqual([SECRET]);

    bring(first, 0, "node-2");
    bring(second, 1, "node-3");
    const other = { ...secret, key: key.with(0, 1) };
    expect(() => new Pair(gateway, collector, other, book).open()).toThrow(SealError);
    expect(() => bring(first.subarray(1), 0, "node-2")).toThrow("got 31 bytes");
    expect(() => bring(first, 2, "node-2")).toThrow("3 of 2");
  });

  test("keeps what the way has added, and lets nobody add that inside", () => {
    const pair = new Pair().open();
    const [outside, inside] = ["outside", "inside"].map((from) =>
      create(PassageSchema, { links: [{ from, to: "collector-1" }] }),
    );
    const request = fromBinary(StreamRequestSchema, requestOf(SECRET));
    const within = create(StreamRequestSchema, { ...request, passage: inside! });
    const sealed = fromBinary(
      StreamRequestSchema,
      pair.producer.seal(toBinary(StreamRequestSchema, within)),
    );
    const added = create(StreamRequestSchema, { message: sealed.message, passage: outside! });
    expect(pair.collector.take(added).inside?.passage?.links[0]?.from).toBe("outside");
    const second = fromBinary(
      StreamRequestSchema,
      pair.producer.seal(toBinary(StreamRequestSchema, within)),
    );
    expect(pair.collector.take(second).inside?.passage).toBeUndefined();
  });

  test("takes a message once that comes twice, in any order", () => {
    const pair = new Pair().open();
    const [first, second] = ["first", "second"].map((text) => pair.producer.seal(requestOf(text)));
    for (const message of [second!, first!, second!, first!]) pair.toCollector(message);
    expect(pair.heard()).toEqual(["second", "first"]);
  });

  test("is with nobody of another role, network or name", async () => {
    const others = await ephemeralPki();
    const strangers = [
      ownKeys(await issue({ role: "mesh-node", instance: "collector-1" }), clock, 3n),
      ownKeys(await others(COLLECTOR), clock, 3n),
    ];
    for (const stranger of strangers)
      expect(() => new Pair(gateway, stranger).open()).toThrow(SealError);
    const camera = ownKeys(await issue({ role: "camera", instance: "node-1" }), clock, 3n);
    expect(() => new Pair(camera).open()).toThrow("got one of camera node-1");
    const pair = new Pair().open();
    const named = { producer: "node-2", incarnation: new Uint8Array(16), firstUnackedSeq: 1n };
    const hello = signHello(named, await issue({ ...GATEWAY, instance: "node-2" }), 0n);
    const message = create(StreamRequestSchema, { message: { case: "hello", value: hello } });
    const sealed = pair.producer.seal(toBinary(StreamRequestSchema, message));
    expect(() => pair.toCollector(sealed)).toThrow("got one of node-2, expected one of node-1");
  });

  test("takes nothing in clear, nothing changed, and no keys of another one", async () => {
    const pair = new Pair().open();
    expect(() => pair.toCollector(requestOf(SECRET))).toThrow("got batch unsealed");
    expect(() => pair.toProducer(CREDIT)).toThrow("got credit unsealed");
    const changed = fromBinary(StreamRequestSchema, pair.producer.seal(requestOf(SECRET)));
    if (changed.message.case === "sealed") changed.message.value[20]! ^= 1;
    expect(() => pair.collector.take(changed)).toThrow("forged");
    const other = ownKeys(await issue({ ...GATEWAY, instance: "node-2" }), clock, 4n);
    expect(() => pair.toCollector(new ProducerSeal(other).opening())).toThrow("got one of node-2");
    expect(() => new Pair().collector.take(changed)).toThrow("expected an introduction first");
    expect(pair.heard()).toEqual([]);
  });

  test("of a producer without seals stays as it is", () => {
    const pair = new Pair();
    pair.toCollector(requestOf("over TLS alone"));
    expect(pair.heard()).toEqual(["over TLS alone"]);
    expect(pair.collector.put(CREDIT)).toBe(CREDIT);
    expect(() => pair.toCollector(pair.producer.opening())).toThrow("out of turn");
  });

  test("says nothing while there are no keys", () => {
    const pair = new Pair();
    pair.collector.take(fromBinary(StreamRequestSchema, pair.producer.opening()));
    expect(pair.collector.put(CREDIT)).toBeUndefined();
    expect(() => pair.producer.seal(requestOf(SECRET))).toThrow("keys: got none");
  });

  test("gets new keys in time, and goes on while they are under way", () => {
    laterMs = 0;
    const pair = new Pair().open();
    pair.say("first keys");
    expect(pair.producer.renewal()).toBeUndefined();
    laterMs = 120_000;
    const renewal = pair.producer.renewal()!;
    const underWay = pair.producer.seal(requestOf("under way"));
    expect(pair.producer.renewal()).toBeUndefined();
    pair.toCollector(renewal);
    // It has come twice.
    pair.toCollector(renewal);
    pair.toCollector(underWay);
    pair.toProducer(pair.collector.put(CREDIT)!);
    laterMs = REJECT_AFTER_MS + 1;
    pair.say("second keys");
    pair.toProducer(pair.collector.put(CREDIT)!);
    expect(pair.heard()).toEqual(["first keys", "under way", "second keys"]);
    expect(pair.atProducer).toHaveLength(2);
  });

  test("begins a handshake again whose answer was lost, and ends with its keys", () => {
    laterMs = 0;
    const pair = new Pair().open();
    laterMs = 120_000;
    pair.producer.renewal();
    laterMs = 125_000;
    pair.toCollector(pair.producer.renewal()!);
    pair.say("second keys");
    laterMs = 125_000 + REJECT_AFTER_MS;
    expect(() => pair.producer.seal(requestOf(SECRET))).toThrow(RangeError);
  });
});
