/** Tells Icinga what OpsBot does about a problem: acknowledges what it works on, comments what it did, and how it ended. */
import { messageOf } from "@glassline/service/errors";
import type { Logger } from "@glassline/service/logger";

import type { Comment } from "../../core/suppression.ts";
import type { Report, Reports } from "../../stores/reports.ts";
import type { ActionName, IcingaClient } from "./client.ts";
import { IcingaError } from "./icinga-error.ts";
import type { IcingaSight } from "./icinga-looks.ts";
import { LostComments } from "./lost-comments.ts";
import type { IcingaMetrics } from "./metrics.ts";

const AUTHOR = "OpsBot";
const MARK = /\[glassline incident \d+, [^\s\]]+\]$/;
const REPORTS_AT_ONCE = 20;
/** Of what was told, so much is looked for after a reload. */
const REMEMBERED_MAX = 1_000;
const TEXT_MAX_CHARS = 1_000;
/** What this process could not tell Icinga for so long is told to nobody: it is in the journal. */
const PATIENCE_MS = 86_400_000;
/** Comments go by themselves, since nothing is deleted. */
const COMMENT_LIFE_SECONDS = 30 * 86_400;
const NANO_PER_SECOND = 1_000_000_000n;

/** Whether OpsBot wrote it. */
export function isOwn({ author, text }: Pick<Comment, "author" | "text">): boolean {
  return author === AUTHOR && MARK.test(text);
}

export interface ReporterDeps {
  client: Pick<IcingaClient, "act" | "query" | "startedUnixNano">;
  reports: Reports;
  logger: Logger;
  metrics: IcingaMetrics;
  nowUnixNano: () => bigint;
  monotonicMs: () => number;
  /** As Icinga shows it at this moment; undefined: it does not show it any more. Rejects when that cannot be known. */
  look: (object: string, check: string) => Promise<IcingaSight | undefined>;
  signal: AbortSignal;
}

export class Reporter {
  readonly #deps: ReporterDeps;
  readonly #lost: LostComments;
  /** What was sent may have arrived, though no answer came: at the start, and after a failure. */
  #uncertain = true;
  /** Of what is to be told next: since when, by a clock that nobody sets. */
  #waiting = new Map<number, number>();
  #problem = "";

  constructor(deps: ReporterDeps) {
    const { client, reports } = deps;
    this.#deps = deps;
    const told = async () =>
      (await reports.toldOfOpen(REMEMBERED_MAX)).filter(({ kind }) => TOLD.has(kind));
    this.#lost = new LostComments({ client, author: AUTHOR, told });
  }

  /** Tells again what a reload of Icinga took with it; that it cannot be known is no reason to tell nothing. */
  async tellLost(): Promise<void> {
    const { signal, metrics } = this.#deps;
    try {
      for (const report of await this.#lost.afterReload(signal)) {
        if (signal.aborted) return;
        metrics.reports.inc({ what: report.kind, result: await this.#tellNow(report) });
      }
    } catch (error) {
      this.#isLasting(error);
    }
  }

  /** Tells what is untold, in order; what Icinga cannot take at present is told the next time. */
  async run(): Promise<void> {
    const { reports, signal, monotonicMs } = this.#deps;
    const batch = await reports.untold(REPORTS_AT_ONCE);
    const nowMs = monotonicMs();
    this.#waiting = new Map(batch.map(({ entry }) => [entry, this.#waiting.get(entry) ?? nowMs]));
    for (const report of batch) {
      if (signal.aborted || !(await this.#tell(report))) return;
      await reports.told(report.entry);
    }
  }

  /** @returns whether it is done with. */
  async #tell(report: Report): Promise<boolean> {
    const { metrics } = this.#deps;
    const what = report.kind;
    if (!TOLD.has(what)) return true;
    try {
      const result = await this.#tellNow(report);
      metrics.reports.inc({ what, result });
      this.#uncertain = false;
      this.#problem = "";
      return true;
    } catch (error) {
      this.#uncertain = true;
      if (!this.#isLasting(error)) return false;
      metrics.reports.inc({ what, result: "refused" });
      return true;
    }
  }

  #isLasting(error: unknown): boolean {
    const { logger } = this.#deps;
    const problem = messageOf(error);
    if (problem !== this.#problem) logger.warn({ problem }, "Icinga was not told");
    this.#problem = problem;
    return error instanceof IcingaError && error.fault === "refused";
  }

  async #tellNow(report: Report): Promise<"told" | "known" | "too old" | "gone"> {
    const { look, monotonicMs } = this.#deps;
    const nowMs = monotonicMs();
    if (nowMs - (this.#waiting.get(report.entry) ?? nowMs) > PATIENCE_MS) return "too old";
    const sight = await look(report.object, report.check);
    if (!sight) return "gone";
    if (this.#uncertain && (await this.#isKnown(report))) return "known";
    if (report.kind === "escalated" && sight.acknowledgedByUs) await this.#unacknowledge(sight);
    if (report.kind === "intent" && (await this.#acknowledge(sight, report))) return "told";
    await this.#comment(sight, report);
    return "told";
  }

  async #isKnown({ key }: Report): Promise<boolean> {
    const { client, signal } = this.#deps;
    const filter = "comment.author == author && match(pattern, comment.text)";
    const filterVars = { author: AUTHOR, pattern: `*${key}]` };
    const attrs = ["author"];
    return (await client.query({ type: "comments", filter, filterVars, attrs }, signal)).length > 0;
  }

  /** @returns false where there is nothing to acknowledge, or a person was first. */
  async #acknowledge(sight: IcingaSight, report: Report): Promise<boolean> {
    const { name, state, hard, acknowledged, pending } = sight;
    if (state === "ok" || !hard || acknowledged || pending) return false;
    const comment = { author: AUTHOR, comment: textOf(report), sticky: false, notify: false };
    return this.#isDone("acknowledge-problem", name, comment);
  }

  /** People shall be reminded again. */
  async #unacknowledge({ name }: IcingaSight): Promise<void> {
    await this.#isDone("remove-acknowledgement", name, { author: AUTHOR });
  }

  /** @returns false where Icinga does not do it; then there is the comment. */
  async #isDone(action: ActionName, name: string, more: Record<string, unknown>): Promise<boolean> {
    const { client, logger, signal } = this.#deps;
    try {
      await client.act(action, name, more, signal);
      return true;
    } catch (error) {
      const { fault, message } = error instanceof IcingaError ? error : { fault: "", message: "" };
      if (fault !== "refused" && fault !== "not-found") throw error;
      logger.warn({ problem: message }, "Icinga did not do it");
      return false;
    }
  }

  async #comment({ name }: IcingaSight, report: Report): Promise<void> {
    const { client, signal, nowUnixNano } = this.#deps;
    const expiry = Number(nowUnixNano() / NANO_PER_SECOND) + COMMENT_LIFE_SECONDS;
    const comment = { author: AUTHOR, comment: textOf(report), expiry };
    await client.act("add-comment", name, comment, signal);
  }
}

/** The rest of a story is for those who read the journal. */
const TOLD: ReadonlySet<Report["kind"]> = new Set([
  "intent",
  "done",
  "failed",
  "escalated",
  "closed",
]);

const WORDS: Partial<Record<Report["kind"], string>> = {
  intent: "OpsBot will",
  done: "Done",
  failed: "Failed",
  escalated: "For people",
  closed: "Closed",
};

function textOf({ kind, text, incidentId, key }: Report): string {
  const line = text.replaceAll(/\p{Cc}/gu, " ").slice(0, TEXT_MAX_CHARS);
  return `${WORDS[kind]}: ${line} [glassline incident ${incidentId}, ${key}]`;
}
