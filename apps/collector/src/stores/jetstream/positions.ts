/**
 * Positions of exporters beside the log's stream, in one of their own that keeps the last message of each: so they go where the log
 * goes. Who writes expects its own message to be the last: a collector that another has taken over from writes none.
 */
import type { StoredMsg } from "@nats-io/jetstream";
import { JetStreamApiCodes, StorageType, jetstream } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import { OperatorError } from "@glassline/service/errors";

import type { Positions, PositionStore } from "../positions.ts";
import { formatPositions, parsePositions } from "../positions.ts";
import type { JetStream } from "./connection.ts";
import { Fenced } from "./fence.ts";
import { WRITER_HEADER } from "./message.ts";
import { codeOf, findStream } from "./stream.ts";

const ACK_TIMEOUT_MS = 5_000;

export class JetStreamPositions implements PositionStore {
  readonly #jetStream: JetStream;
  readonly #stream: string;
  readonly #replicas: number;
  readonly #writer: string;
  /** By exporter: its last message. */
  readonly #lastSeqs = new Map<string, number>();

  /** @param writer the collector's name in the log's fence. */
  constructor(jetStream: JetStream, logStream: string, replicas: number, writer: string) {
    this.#jetStream = jetStream;
    this.#stream = `${logStream}_positions`;
    this.#replicas = replicas;
    this.#writer = writer;
  }

  async read(exporter: string): Promise<Positions | undefined> {
    await this.#ensureStream();
    const last = await this.#last(exporter);
    this.#lastSeqs.set(exporter, last?.seq ?? 0);
    if (!last) return undefined;
    const text = last.string();
    const positions = parsePositions(text);
    if (positions) return positions;
    const got = JSON.stringify(text.slice(0, 80));
    throw new OperatorError(
      `stream ${this.#stream}, ${this.#subjectOf(exporter)}: got ${got}, expected an exporter's position. Delete the message to begin at --export-from.`,
    );
  }

  /** Rejects with Fenced when another collector has written since. */
  async write(exporter: string, positions: Positions): Promise<void> {
    const text = formatPositions(positions);
    try {
      await this.#publish(exporter, text);
    } catch (error) {
      if (codeOf(error) !== JetStreamApiCodes.StreamWrongLastSequence) throw error;
      // One of its own may have been stored without an answer.
      const last = await this.#last(exporter);
      const other = last?.header?.get(WRITER_HEADER);
      if (other !== this.#writer)
        throw new Fenced(`stream ${this.#stream}: another collector writes there: ${other}`, {
          cause: error,
        });
      this.#lastSeqs.set(exporter, last!.seq);
      await this.#publish(exporter, text);
    }
  }

  async #publish(exporter: string, text: string): Promise<void> {
    const marked = headers();
    marked.set(WRITER_HEADER, this.#writer);
    const { seq } = await jetstream(this.#jetStream.nc).publish(this.#subjectOf(exporter), text, {
      headers: marked,
      timeout: ACK_TIMEOUT_MS,
      expect: {
        streamName: this.#stream,
        lastSubjectSequence: this.#lastSeqs.get(exporter) ?? 0,
      },
    });
    this.#lastSeqs.set(exporter, seq);
  }

  #last(exporter: string): Promise<StoredMsg | null> {
    const { streams } = this.#jetStream.manager;
    return streams.getMessage(this.#stream, { last_by_subj: this.#subjectOf(exporter) });
  }

  /** A name may hold what a subject may not. */
  #subjectOf(exporter: string): string {
    return `${this.#stream}.${Buffer.from(exporter).toString("base64url")}`;
  }

  /** Rejects with OperatorError when there is one that does not keep what was acknowledged. */
  async #ensureStream(): Promise<void> {
    const { manager } = this.#jetStream;
    const { config } =
      (await findStream(manager, this.#stream)) ??
      (await manager.streams.add({
        name: this.#stream,
        subjects: [`${this.#stream}.*`],
        storage: StorageType.File,
        num_replicas: this.#replicas,
        max_msgs_per_subject: 1,
      }));
    if (config.num_replicas >= this.#replicas && config.storage === StorageType.File) return;
    throw new OperatorError(
      `--log-nats-stream: stream ${this.#stream} has ${config.num_replicas} replicas in ${config.storage}, expected ${this.#replicas} (--log-nats-replicas) in ${StorageType.File}.`,
    );
  }
}
