/**
 * Two collectors share nothing. What one of them has made durable, and whose acknowledgement was lost with a cut, its producer
 * has to send again; when the balancer hands it to the other collector, both have it. Counted here.
 */
import { create } from "@bufbuild/protobuf";
import { signHello } from "@glassline/otqmn/hello";
import { EMPTY_BUNDLE } from "@glassline/otqmn/sample";
import { encodeBundle } from "@glassline/otqmn/whole-bundle";
import type { StreamResponse } from "@glassline/proto/otqmn";
import { OtqmnService, StreamRequestSchema } from "@glassline/proto/otqmn";
import { createClient } from "@glassline/proto/rpc";
import type { Identity } from "@glassline/service/identity";
import { readIdentity } from "@glassline/service/identity";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient } from "@glassline/service/tls";
import { describe, expect } from "vitest";

import type { BalancedStack } from "./testing/balanced-stack.ts";
import { COLLECTORS, startBalanced } from "./testing/balanced-stack.ts";
import { startHaproxy, startNginx } from "./testing/balancers.ts";
import { testWith } from "./testing/requirements.ts";
import { seriesOf } from "./testing/sources.ts";
import { eventually } from "./testing/testbed.ts";

const CAMERA = "cam-by-hand";
const TRIES_MAX = 40;
const INCARNATION = new Uint8Array(16).fill(7);

const balancers = [
  { name: "nginx", start: startNginx },
  { name: "haproxy", start: startHaproxy },
] as const;

/** A producer that can overhear acknowledgements. */
class Stream implements Disposable {
  readonly #client;
  readonly #stream;
  readonly #welcome = Promise.withResolvers<number>();
  /** By the last Ack. */
  durableSeq = 0;

  constructor(port: number, identity: Identity, firstUnackedSeq: number) {
    this.#client = createClient(
      OtqmnService,
      `localhost:${port}`,
      mutualTlsClient(identity, "load-balancer"),
      { ...TLS_CHANNEL_OPTIONS, "grpc.use_local_subchannel_pool": 1 },
    );
    this.#stream = this.#client.stream();
    this.#stream.on("error", (error) => this.#welcome.reject(error));
    this.#stream.on("data", ({ message }: StreamResponse) => {
      if (message.case === "welcome") this.#welcome.resolve(Number(message.value.durableSeq));
      if (message.case === "ack") this.durableSeq = Number(message.value.durableSeq);
    });
    const opening = {
      producer: identity.instance,
      incarnation: INCARNATION,
      firstUnackedSeq: BigInt(firstUnackedSeq),
    };
    const value = signHello(opening, identity, BigInt(Date.now()) * 1_000_000n);
    this.#stream.write(create(StreamRequestSchema, { message: { case: "hello", value } }));
  }

  /** The last batch that is durable, as the collector says. */
  welcome(): Promise<number> {
    return this.#welcome.promise;
  }

  /** A batch of one sample, whose value is the batch's number. */
  send(seq: number): void {
    const payload = encodeBundle({
      ...EMPTY_BUNDLE,
      series: [seriesOf(CAMERA)],
      seriesIndex: Uint32Array.of(0),
      timeUnixNano: BigUint64Array.of(BigInt(Date.now()) * 1_000_000n + BigInt(seq)),
      value: Float64Array.of(seq),
    });
    const number = BigInt(seq);
    const value = { seq: number, keySeq: number, keyBatch: true, payload };
    this.#stream.write(create(StreamRequestSchema, { message: { case: "batch", value } }));
  }

  [Symbol.dispose](): void {
    this.#stream.cancel();
    this.#client[Symbol.dispose]();
  }
}

const stored = (stack: BalancedStack) =>
  Promise.all(COLLECTORS.map((name) => stack.stored(name, CAMERA)));

const isStored = (stack: BalancedStack, times: number, value: number) =>
  eventually(`${value} is stored ${times} times`, async () => {
    const all = (await stored(stack)).flat().filter((one) => one === value);
    return all.length === times || undefined;
  });

/** A stream to the collector whose last durable batch is this one; the balancer is asked until it leads there. */
async function streamTo(
  stack: BalancedStack,
  identity: Identity,
  firstUnackedSeq: number,
  durableSeq: number,
): Promise<Stream> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const stream = new Stream(stack.port, identity, firstUnackedSeq);
    if ((await stream.welcome()) === durableSeq) return stream;
    stream[Symbol.dispose]();
  }
  throw new Error(`no collector said Welcome with ${durableSeq} in ${TRIES_MAX} tries`);
}

const producerOf = ({ pkiDir }: BalancedStack) =>
  readIdentity(pkiDir, { role: "mesh-node", instance: "node-1" });

describe.each(balancers)("behind $name, an Ack is lost with the cut", ({ name, start }) => {
  const test = testWith(name);

  test(
    "the producer comes back to the same collector: stored once",
    { timeout: 60_000 },
    async () => {
      await using stack = await startBalanced(start);
      const identity = await producerOf(stack);
      {
        using first = new Stream(stack.port, identity, 1);
        await first.welcome();
        first.send(1);
        await isStored(stack, 1, 1);
      }
      using second = new Stream(stack.port, identity, 1);
      expect(await second.welcome()).toBe(1);
      second.send(2);
      await isStored(stack, 1, 2);
      expect((await stored(stack)).flat().toSorted()).toEqual([1, 2]);
    },
  );

  test(
    "the producer comes to the other collector: both have what was not acknowledged, nothing else",
    { timeout: 60_000 },
    async () => {
      await using stack = await startBalanced(start, { inTurn: true });
      const identity = await producerOf(stack);
      {
        using first = await streamTo(stack, identity, 1, 0);
        first.send(1);
        await eventually("batch 1 is acknowledged", () => first.durableSeq === 1 || undefined);
        first.send(2);
        await isStored(stack, 1, 2); // its Ack is overheard
      }
      {
        using second = await streamTo(stack, identity, 2, 1);
        second.send(2);
        await isStored(stack, 2, 2);
        second.send(3);
        await eventually("batch 3 is acknowledged", () => second.durableSeq === 3 || undefined);
      }
      // Back at the first collector, which never saw batch 3: it goes on behind it.
      const behind = await Promise.all(
        Array.from({ length: 8 }, async () => {
          using again = new Stream(stack.port, identity, 4);
          return await again.welcome();
        }),
      );
      expect(new Set(behind)).toEqual(new Set([3]));
      const [first, second] = (await stored(stack)).toSorted((a, b) => a[0]! - b[0]!);
      expect({ first, second }).toEqual({ first: [1, 2], second: [2, 3] });
    },
  );
});
