/** A line in the log for each request. */
import type { Logger } from "@glassline/service/logger";

import type { ExportRequest, Outcome, Target } from "./target.ts";

export class DebugTarget implements Target {
  readonly address = "the log";
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  send({ signal, items, body }: ExportRequest): Promise<Outcome> {
    this.#logger.info({ signal, items, bytes: body.length }, "exported");
    return Promise.resolve({ kind: "taken", rejected: 0, message: "" });
  }

  [Symbol.dispose](): void {
    // It holds nothing.
  }
}
