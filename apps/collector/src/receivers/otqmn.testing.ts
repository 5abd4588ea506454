/** A producer that is spoken by hand, for tests: what a peer may do, and what it may not. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { signHello } from "@glassline/otqmn/hello";
import type { Series } from "@glassline/otqmn/sample";
import { EMPTY_BUNDLE } from "@glassline/otqmn/sample";
import { encodeBundle } from "@glassline/otqmn/whole-bundle";
import type { StreamResponse } from "@glassline/proto/otqmn";
import { OtqmnService, StreamRequestSchema } from "@glassline/proto/otqmn";
import { createClient } from "@glassline/proto/rpc";
import { systemClock } from "@glassline/service/clock";
import type { Identity } from "@glassline/service/identity";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient } from "@glassline/service/tls";

export const METRIC = "camera.frames.captured";

type Message = NonNullable<MessageInitShape<typeof StreamRequestSchema>["message"]>;
type Answer = StreamResponse["message"];

export class OtqmnPeer implements Disposable {
  readonly answers: Answer[] = [];
  ended = false;
  readonly name: string;
  readonly #identity;
  readonly #client;
  readonly #stream;

  constructor(port: number, as: Identity) {
    this.#identity = as;
    this.name = as.instance;
    const credentials = mutualTlsClient(as, "collector");
    this.#client = createClient(
      OtqmnService,
      `localhost:${port}`,
      credentials,
      TLS_CHANNEL_OPTIONS,
    );
    this.#stream = this.#client.stream();
    this.#stream.on("data", (response: StreamResponse) => this.answers.push(response.message));
    this.#stream.on("error", (error) => {
      this.answers.push({ case: "nack", value: { reason: error.message } } as Answer);
      this.ended = true;
    });
    this.#stream.on("end", () => void (this.ended = true));
  }

  send(message: Message): this {
    this.#stream.write(
      create(StreamRequestSchema, { message } as MessageInitShape<typeof StreamRequestSchema>),
    );
    return this;
  }

  hello(change: object = {}, firstUnackedSeq = 1n, incarnation = new Uint8Array(16).fill(7)): this {
    const as = this.#identity;
    const opening = { producer: as.instance, incarnation, firstUnackedSeq };
    return this.send({
      case: "hello",
      value: { ...signHello(opening, as, systemClock.nowUnixNano()), ...change },
    });
  }

  batch(seq: number, payload = bundle(seq)): this {
    const number = BigInt(seq);
    return this.send({ case: "batch", value: { seq: number, keySeq: number, payload } });
  }

  async expect<C extends Answer["case"]>(
    kind: C,
    match: (value: Extract<Answer, { case: C }>["value"]) => boolean = () => true,
    timeoutMs = 3_000,
  ) {
    for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += 10) {
      const found = this.answers.find(
        (answer) => answer.case === kind && match(answer.value as never),
      );
      if (found) return found.value as Extract<Answer, { case: C }>["value"];
      await systemClock.sleep(10);
    }
    throw new Error(
      `no ${kind} came, but ${JSON.stringify(this.answers.map((answer) => answer.case))}`,
    );
  }

  end(): void {
    this.#stream.end();
  }

  [Symbol.dispose](): void {
    this.#stream.cancel();
    this.#client[Symbol.dispose]();
  }
}

/** One point whose value is the sequence number. */
export function bundle(seq: number): Uint8Array {
  const series: Series = {
    cameraId: "cam-1",
    metric: METRIC,
    unit: "{frame}",
    kind: "counter",
    attributes: {},
  };
  return encodeBundle({
    ...EMPTY_BUNDLE,
    series: [series],
    seriesIndex: Uint32Array.of(0),
    timeUnixNano: BigUint64Array.of(1_790_000_000_000_000_000n + BigInt(seq)),
    value: Float64Array.of(seq),
  });
}
