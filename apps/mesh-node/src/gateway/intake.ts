/** From reports of cameras to bundles on the ring: cut -> append -> synced -> acknowledged. */
import type { Clock } from "@glassline/service/clock";
import { every } from "@glassline/service/clock";
import { messageOf } from "@glassline/service/errors";
import { LogRefusal } from "@glassline/segment-log";
import { CodecError } from "@glassline/otqmn/codec-error";
import type { Logger } from "@glassline/service/logger";
import { startHop } from "@glassline/telemetry/trace-context";
import type { Tracer } from "@opentelemetry/api";

import type { AgentMark, Cut, ResolvedReport } from "../core/bundle-cutter.ts";
import { BundleCutter, cutOf } from "../core/bundle-cutter.ts";
import type { MeshMetrics } from "../metrics.ts";
import type { Ring } from "./ring.ts";

/** A bundle is cut after this time or at so many points, whichever comes first. */
const CUT_INTERVAL_MS = 100;
const CUT_POINTS = 20_000;

export type RefusedBecause = "ring_full" | "store_unavailable" | "invalid";

/** Told what became of its reports. */
export interface ReportOwner {
  acknowledged(seq: number): void;
  refused(seq: number, because: RefusedBecause, message: string): void;
}

export interface IntakeDeps {
  ring: Ring;
  clock: Clock;
  metrics: MeshMetrics;
  tracer: Tracer;
  logger: Logger;
  /** Called after each append. */
  appended: () => void;
}

export class Intake implements AsyncDisposable {
  readonly #deps: IntakeDeps;
  readonly #cutter = new BundleCutter();
  readonly #stop = new AbortController();
  #owners = new Map<ResolvedReport, ReportOwner>();
  #refusing: RefusedBecause | undefined;
  #underWay: Promise<unknown> = Promise.resolve();

  constructor(deps: IntakeDeps) {
    this.#deps = deps;
    void every(deps.clock, CUT_INTERVAL_MS, this.#stop.signal, () => this.#cut());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.settle();
  }

  /** Resolves when every report that came before is on the ring or refused. */
  async settle(): Promise<void> {
    this.#cut();
    await this.#underWay;
  }

  add(report: ResolvedReport, owner: ReportOwner): void {
    const { ring } = this.#deps;
    if (ring.isFull)
      return this.#refuse(
        [report],
        new Map([[report, owner]]),
        "ring_full",
        `ring: ${ring.bytes} bytes are taken by bundles that no collector has yet`,
      );
    this.#owners.set(report, owner);
    this.#cutter.add(report);
    if (this.#cutter.points >= CUT_POINTS) this.#cut();
  }

  #cut(): void {
    const cut = this.#cutter.cut();
    if (!cut) return;
    const owners = this.#owners;
    this.#owners = new Map();
    this.#append(cut, owners);
  }

  #append({ bundle, reports }: Cut, owners: ReadonlyMap<ResolvedReport, ReportOwner>): void {
    const { ring, tracer, metrics, appended } = this.#deps;
    const hop = startHop(tracer, "mesh-node/src/gateway/intake.ts", bundle.traceContexts, {
      "otqmn.points": bundle.value.length,
    });
    const append = async () => {
      try {
        const seq = await ring.append({ bundle, hopContexts: hop.contexts }, marksOf(reports));
        hop.setAttributes({ "otqmn.seq": seq });
        metrics.bundles.inc();
        metrics.reportsAccepted.inc(reports.length);
        metrics.pointsAccepted.inc(bundle.value.length);
        for (const [owner, mark] of lastByOwner(reports, owners)) owner.acknowledged(mark);
        this.#tellState(undefined, "");
        appended();
      } catch (error) {
        this.#failed(reports, owners, error);
      } finally {
        hop.end();
      }
    };
    this.#underWay = Promise.all([this.#underWay, append()]);
  }

  #failed(
    reports: readonly ResolvedReport[],
    owners: ReadonlyMap<ResolvedReport, ReportOwner>,
    error: unknown,
  ): void {
    if (error instanceof CodecError && reports.length === 1)
      return this.#refuse(reports, owners, "invalid", error.message);
    // Together they are too much for a bundle: each by itself, and one that is too much alone is never taken.
    if (error instanceof CodecError)
      return reports.forEach((report) => this.#append(cutOf([report]), owners));
    const full = error instanceof LogRefusal && error.reason === "full";
    const later = this.#dropBehind(reports);
    const because = full ? "ring_full" : "store_unavailable";
    this.#refuse([...reports, ...later], owners, because, messageOf(error));
  }

  /** Acknowledgements are cumulative: what an agent has sent behind a refused report must come again behind it. */
  #dropBehind(refused: readonly ResolvedReport[]): ResolvedReport[] {
    const dropped = this.#cutter.drop(new Set(refused.map(({ agent }) => agent)));
    for (const report of dropped) this.#owners.delete(report);
    return dropped;
  }

  /** A line when it begins and a line when it is over, whatever the number of reports. */
  #tellState(refusing: RefusedBecause | undefined, message: string): void {
    if (refusing === this.#refusing) return;
    this.#refusing = refusing;
    if (refusing)
      this.#deps.logger.error(
        { reason: refusing, message },
        "reports are refused; cameras keep what they can",
      );
    else this.#deps.logger.info("reports are taken again");
  }

  #refuse(
    reports: readonly ResolvedReport[],
    owners: ReadonlyMap<ResolvedReport, ReportOwner>,
    because: RefusedBecause,
    message: string,
  ): void {
    this.#deps.metrics.reportsRefused.inc({ reason: because }, reports.length);
    this.#tellState(because, message);
    for (const report of reports) owners.get(report)?.refused(report.seq, because, message);
  }
}

function marksOf(reports: readonly ResolvedReport[]): Map<string, AgentMark> {
  return new Map(reports.map(({ agent, incarnation, seq }) => [agent, { incarnation, seq }]));
}

function lastByOwner(
  reports: readonly ResolvedReport[],
  owners: ReadonlyMap<ResolvedReport, ReportOwner>,
): Map<ReportOwner, number> {
  return new Map(
    reports.flatMap((report) =>
      owners.has(report) ? [[owners.get(report)!, report.seq] as const] : [],
    ),
  );
}
