/** Looks at what Icinga shows of us: hosts and services, and what people said about those in downtime or acknowledged. */
import type { Logger } from "@glassline/service/logger";

import type { IcingaObject } from "../../core/icinga-objects.ts";
import {
  ATTRIBUTES,
  HOST_ATTRIBUTES,
  RESULT_ATTRIBUTE,
  readObject,
} from "../../core/icinga-objects.ts";
import { MalformedJson } from "../../core/json-values.ts";
import type { Sight } from "../../core/reconcile.ts";
import type { Comment, Downtime, Remarks } from "../../core/suppression.ts";
import {
  ACKNOWLEDGEMENT,
  COMMENT_ATTRIBUTES,
  DOWNTIME_ATTRIBUTES,
  readAcknowledgement,
  readDowntime,
  suppressionOf,
} from "../../core/suppression.ts";
import type { IcingaClient, Query } from "./client.ts";
import { IcingaError } from "./icinga-error.ts";
import type { IcingaMetrics } from "./metrics.ts";

/** A service with this check is none of ours: it takes heartbeats. */
const HEARTBEAT_CHECK = "heartbeat";
/** So long results are left out of looks of a kind, at all or at problems, once they were too large. */
const WITHOUT_RESULTS_LOOKS = 100;
const SAID_MAX = 100;
const LEFT_OUT = "what its check says is left out: Icinga's answer would be too large";

export interface IcingaSight extends IcingaObject, Sight {
  acknowledgedByUs: boolean;
}

export interface LooksDeps {
  client: IcingaClient;
  logger: Logger;
  metrics: IcingaMetrics;
  /** Whether OpsBot wrote it: its own acknowledgement is no reason to leave a problem alone. */
  isOwn: (comment: Comment) => boolean;
}

export class IcingaLooks {
  readonly #deps: LooksDeps;
  readonly #withoutResults = { all: 0, problems: 0 };
  #heartbeat: string | undefined;
  readonly #said = new Set<string>();
  /** When OpsBot's own acknowledgements were set, by name: a reload of Icinga may take the comment that says whose one is. */
  readonly #ownAcknowledgements = new Map<string, bigint>();

  constructor(deps: LooksDeps) {
    this.#deps = deps;
  }

  /** The service that takes heartbeats; undefined: there is none. */
  get heartbeat(): string | undefined {
    return this.#heartbeat;
  }

  /** @param names "all": all that is ours; else what is no problem is shown only if it is named. Rejects with IcingaError. */
  async look(names: "all" | ReadonlySet<string>, signal: AbortSignal): Promise<IcingaSight[]> {
    const objects = await this.#objects(names, signal);
    const beating = objects.find(({ check }) => check === HEARTBEAT_CHECK);
    if (beating || names === "all") this.#heartbeat = beating?.name;
    const ours = objects.filter(({ check }) => check !== HEARTBEAT_CHECK);
    const remarks = await this.#remarks(ours, signal);
    return ours.map((object) => {
      const said = remarks(object);
      const acknowledgedByUs = object.acknowledged && said.acknowledgedBy === undefined;
      return { ...object, acknowledgedByUs, suppressed: suppressionOf(object, said) };
    });
  }

  async #objects(names: "all" | ReadonlySet<string>, signal: AbortSignal): Promise<IcingaObject[]> {
    const kind = names === "all" ? "all" : "problems";
    if (this.#withoutResults[kind] > 0) {
      this.#withoutResults[kind]--;
      return this.#readWithoutResults(names, signal);
    }
    try {
      return this.#read(await this.#entries(names, true, signal));
    } catch (error) {
      if (!(error instanceof IcingaError && error.fault === "too-large")) throw error;
      this.#deps.logger.warn({ problem: error.message }, "results are left out");
      this.#withoutResults[kind] = WITHOUT_RESULTS_LOOKS;
      return this.#readWithoutResults(names, signal);
    }
  }

  async #readWithoutResults(names: "all" | ReadonlySet<string>, signal: AbortSignal) {
    const objects = this.#read(await this.#entries(names, false, signal));
    return objects.map((object) => ({ ...object, output: LEFT_OUT }));
  }

  async #entries(names: "all" | ReadonlySet<string>, results: boolean, signal: AbortSignal) {
    const attrs = results ? [...ATTRIBUTES, RESULT_ATTRIBUTE] : ATTRIBUTES;
    const joins = HOST_ATTRIBUTES.map((attribute) => `host.${attribute}`);
    const [hosts, services] = await Promise.all([
      this.#deps.client.query({ type: "hosts", ...filterOf("host", names), attrs }, signal),
      this.#deps.client.query(
        { type: "services", ...filterOf("service", names), attrs, joins },
        signal,
      ),
    ]);
    return [...hosts, ...services];
  }

  /** What cannot be understood is left out, counted, and said once. */
  #read(entries: readonly unknown[]): IcingaObject[] {
    return entries.flatMap((entry) => this.#understood(entry, readObject) ?? []);
  }

  #understood<T>(entry: unknown, read: (entry: unknown) => T): T | undefined {
    try {
      return read(entry);
    } catch (error) {
      if (!(error instanceof MalformedJson)) throw error;
      const { logger, metrics } = this.#deps;
      metrics.refused.inc();
      this.#sayOnce(error.message, () => logger.warn({ problem: error.message }, "not understood"));
      return undefined;
    }
  }

  async #remarks(
    objects: readonly IcingaObject[],
    signal: AbortSignal,
  ): Promise<(object: IcingaObject) => Remarks> {
    const problems = objects.filter(({ state, pending }) => state !== "ok" && !pending);
    const acknowledged = problems.filter(({ acknowledged: is }) => is);
    const inDowntime = problems.filter((one) => one.inDowntime || one.hostInDowntime);
    const [comments, downtimes] = await Promise.all([
      this.#acknowledgements(acknowledged, signal),
      this.#downtimes(inDowntime, signal),
    ]);
    return (object) => ({
      acknowledgedBy: this.#acknowledgedBy(object, comments),
      downtime: object.inDowntime
        ? downtimes.get(object.name)
        : downtimes.get(object.name.split("!")[0]!),
    });
  }

  #acknowledgedBy(
    { name, acknowledgedUnixNano }: IcingaObject,
    comments: ReadonlyMap<string, Comment>,
  ): string | undefined {
    const comment = comments.get(name);
    if (!comment)
      return this.#ownAcknowledgements.get(name) === acknowledgedUnixNano ? undefined : "somebody";
    if (!this.#deps.isOwn(comment)) return comment.author;
    this.#ownAcknowledgements.set(name, acknowledgedUnixNano);
    return undefined;
  }

  async #acknowledgements(objects: readonly IcingaObject[], signal: AbortSignal) {
    const filter = "comment.entry_type == type && host.name in hosts";
    const filterVars = { type: ACKNOWLEDGEMENT };
    const about = { type: "comments", filter, filterVars, attrs: COMMENT_ATTRIBUTES } as const;
    const newest = new Map<string, Comment>();
    for (const entry of await this.#about(objects, about, signal)) {
      const comment = this.#understood(entry, readAcknowledgement);
      const before = comment && newest.get(comment.name);
      if (comment && !(before && before.entryUnixNano >= comment.entryUnixNano))
        newest.set(comment.name, comment);
    }
    return newest;
  }

  async #downtimes(objects: readonly IcingaObject[], signal: AbortSignal) {
    const filter = "host.name in hosts";
    const about = {
      type: "downtimes",
      filter,
      filterVars: {},
      attrs: DOWNTIME_ATTRIBUTES,
    } as const;
    const latest = new Map<string, Downtime>();
    for (const entry of await this.#about(objects, about, signal)) {
      const downtime = this.#understood(entry, readDowntime);
      const before = downtime && latest.get(downtime.name);
      if (downtime?.active && !(before && before.endUnixNano >= downtime.endUnixNano))
        latest.set(downtime.name, downtime);
    }
    return latest;
  }

  /** Without the permission to read them the problem is left alone all the same, and by whom is not known. */
  async #about(
    objects: readonly IcingaObject[],
    query: Query,
    signal: AbortSignal,
  ): Promise<readonly unknown[]> {
    if (objects.length === 0) return [];
    const hosts = [...new Set(objects.map(({ name }) => name.split("!")[0]!))];
    const filterVars = { ...query.filterVars, hosts };
    try {
      return await this.#deps.client.query({ ...query, filterVars }, signal);
    } catch (error) {
      if (!(error instanceof IcingaError && error.fault === "not-found")) throw error;
      const { logger } = this.#deps;
      const problem = `${error.message} objects/query of ${query.type}`;
      this.#sayOnce(problem, () => logger.warn({ problem }, `${query.type} cannot be read`));
      return [];
    }
  }

  /** Neither often, nor without end. */
  #sayOnce(what: string, say: () => void): void {
    if (this.#said.has(what) || this.#said.size >= SAID_MAX) return;
    this.#said.add(what);
    say();
  }
}

/** Null in a custom variable counts as false. */
function filterOf(type: "host" | "service", names: "all" | ReadonlySet<string>) {
  const ours = `${type}.vars.glassline_object && ${type}.vars.glassline_check`;
  if (names === "all") return { filter: ours, filterVars: {} };
  const wanted = `${type}.state != 0 || ${type}.__name in names`;
  // Most are well, and are left after one comparison.
  return { filter: `(${wanted}) && ${ours}`, filterVars: { names: [...names] } };
}
