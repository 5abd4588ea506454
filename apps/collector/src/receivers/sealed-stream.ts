/** The gRPC stream of a producer, sealed from end to end where the producer has begun so. */
import { create } from "@bufbuild/protobuf";
import type { ResponseInit } from "@glassline/otqmn/seal/collector";
import { CollectorSeal } from "@glassline/otqmn/seal/collector";
import type { OwnKeys } from "@glassline/otqmn/seal/keys";
import { SealError } from "@glassline/otqmn/seal/keys";
import type { ShareBook } from "@glassline/otqmn/seal/shares";
import type { StreamRequest, StreamRequestSchema } from "@glassline/proto/otqmn";
import { NackCode, StreamResponseSchema } from "@glassline/proto/otqmn";
import type { ServerStream } from "@glassline/proto/rpc";

export type Stream = ServerStream<typeof StreamRequestSchema, typeof StreamResponseSchema>;

export interface SealTold {
  sealed: () => void;
  /** Why it is ended. */
  refused: (reason: string) => void;
}

export class SealedStream {
  readonly #stream: Stream;
  readonly #seal: CollectorSeal;
  readonly #told: SealTold;

  /** @param book of shares, that all streams have in common. */
  constructor(stream: Stream, own: OwnKeys, book: ShareBook, told: SealTold) {
    this.#stream = stream;
    this.#seal = new CollectorSeal(own, book);
    this.#told = told;
  }

  /** The message inside; undefined: it was about the keys, or is not as it should be. */
  take(request: StreamRequest): StreamRequest | undefined {
    const wasSealed = this.#seal.isSealed;
    try {
      const { inside, answer } = this.#seal.take(request);
      if (!wasSealed && this.#seal.isSealed) this.#told.sealed();
      if (answer) this.#write(answer);
      return inside;
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      this.#refuse(error.message);
      return undefined;
    }
  }

  send(response: ResponseInit): void {
    try {
      const sealed = this.#seal.put(response);
      if (sealed) this.#write(sealed);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#refuse(error.message);
    }
  }

  end(): void {
    this.#stream.end();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** In clear: who cannot open what is sealed shall know why. */
  #refuse(reason: string): void {
    this.#told.refused(reason);
    this.#write({
      message: { case: "nack", value: { code: NackCode.UNAUTHENTICATED, reason: "seal" } },
    });
    this.#stream.end();
  }

  #write(response: ResponseInit): void {
    if (this.#stream.writable) this.#stream.write(create(StreamResponseSchema, response));
  }
}
