/**
 * Comments that a reload of Icinga took with it. Its new process reads them from disk when it begins to load its configuration,
 * and takes over when it has: what the old one accepts in between is on disk and not shown, until the reload after the next. From
 * 2.14 on the old process answers 503 instead. The comment of an acknowledgement is lost in the same way.
 * Source: https://github.com/Icinga/icinga2/issues/9366
 */
import { isRecord } from "../../core/json-values.ts";
import { missingFrom } from "../../core/retelling.ts";
import type { Report } from "../../stores/reports.ts";
import type { IcingaClient } from "./client.ts";

export interface LostCommentsDeps {
  client: Pick<IcingaClient, "query" | "startedUnixNano">;
  /** As the author of comments. */
  author: string;
  /** What Icinga was told of incidents that are open. */
  told: () => Promise<readonly Report[]>;
}

export class LostComments {
  readonly #deps: LostCommentsDeps;
  /** Of the process whose comments have been looked at; undefined: none has. */
  #lookedAtUnixNano: bigint | undefined;

  constructor(deps: LostCommentsDeps) {
    this.#deps = deps;
  }

  /**
   * What is to be told again, once for each process of Icinga: what a person deletes later stays deleted. Rejects with IcingaError;
   * then it is looked for the next time.
   */
  async afterReload(signal: AbortSignal): Promise<Report[]> {
    const { client, told } = this.#deps;
    const startedUnixNano = await client.startedUnixNano(signal);
    if (startedUnixNano === this.#lookedAtUnixNano) return [];
    const reports = await told();
    const lost = reports.length > 0 ? missingFrom(reports, await this.#texts(signal)) : [];
    this.#lookedAtUnixNano = startedUnixNano;
    return lost;
  }

  async #texts(signal: AbortSignal): Promise<string[]> {
    const { client, author } = this.#deps;
    const filter = "comment.author == author";
    const query = { type: "comments", filter, filterVars: { author }, attrs: ["text"] } as const;
    const entries = await client.query(query, signal);
    return entries.flatMap((entry) => {
      const attrs = isRecord(entry) ? entry["attrs"] : undefined;
      const text = isRecord(attrs) ? attrs["text"] : undefined;
      return typeof text === "string" ? [text] : [];
    });
  }
}
