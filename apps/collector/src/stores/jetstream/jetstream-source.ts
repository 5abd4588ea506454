/** Records of a stream for a thread of its own: with a connection of its own. */
import type { IndexRange, RecordSource } from "../record-source.ts";
import type { JetStream, JetStreamPlace } from "./connection.ts";
import { connectJetStream } from "./connection.ts";
import { readRecords } from "./reader.ts";

export class JetStreamSource implements RecordSource {
  readonly #jetStream: JetStream;
  readonly #stream: string;

  private constructor(jetStream: JetStream, stream: string) {
    this.#jetStream = jetStream;
    this.#stream = stream;
  }

  static async open(place: JetStreamPlace): Promise<JetStreamSource> {
    return new JetStreamSource(
      await connectJetStream(place, "glassline reader of records"),
      place.stream,
    );
  }

  async payloads({ fromIndex, toIndex }: IndexRange): Promise<Uint8Array[] | undefined> {
    const { manager } = this.#jetStream;
    const { state } = await manager.streams.info(this.#stream);
    if (state.first_seq > fromIndex) return undefined;
    const records = readRecords(manager, this.#stream, fromIndex, toIndex);
    return Array.fromAsync(records, ({ payload }) => payload);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#jetStream[Symbol.asyncDispose]();
  }
}
