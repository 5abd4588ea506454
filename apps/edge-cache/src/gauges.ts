/** What is shown as it is now, looked at once a second. */
import { every } from "@glassline/service/clock";

import type { AdminDeps } from "./admin.ts";
import type { InFlight } from "./core/in-flight.ts";
import { hitRatio } from "./core/traffic.ts";
import type { Following } from "./following/following.ts";
import type { Front } from "./front/front.ts";
import type { QuestionQueue } from "./upstream/question-queue.ts";

const INTERVAL_MS = 1_000;

interface Gauged extends Pick<
  AdminDeps,
  "traffic" | "viewers" | "store" | "disk" | "clock" | "metrics"
> {
  inFlight: InFlight;
  questions: QuestionQueue;
  following: Following;
  revoking: AdminDeps["revoking"];
  front: Front;
}

export function keepGauges(gauged: Gauged): Disposable {
  const {
    metrics,
    traffic,
    viewers,
    store,
    disk,
    clock,
    inFlight,
    questions,
    following,
    revoking,
    front,
  } = gauged;
  const stop = new AbortController();
  void every(clock, INTERVAL_MS, stop.signal, () => {
    const nowMs = clock.monotonicMs();
    metrics.hitRatio.set(hitRatio(traffic.recent(nowMs).counts) ?? 0);
    metrics.viewers.set(viewers.count(nowMs));
    metrics.storedBytes.set(store.bytes);
    metrics.objects.set(store.objects);
    metrics.revocations.set(revoking.revocations.count);
    metrics.connections.set(front.connections);
    metrics.followed.set(following.count);
    metrics.inFlightBytes.set(inFlight.bytes);
    for (const [state, count] of Object.entries(questions.counts))
      metrics.originQuestions.set({ state }, count);
    metrics.diskObjects.set(disk?.objects ?? 0);
    metrics.diskBytes.set(disk?.bytes ?? 0);
  });
  return { [Symbol.dispose]: () => stop.abort() };
}
