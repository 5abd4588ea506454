/** What people have ordered, as lines: the kill switch, pauses, maintenance. */
import { oneLine } from "./core/echo.ts";
import { FOREVER_MS, timeOf } from "./core/guard.ts";
import type { Order, OrderKind } from "./stores/guard-records.ts";

const WORDS: Readonly<Record<OrderKind, string>> = {
  kill: "Kill switch",
  pause: "Automation is paused",
  maintenance: "Maintenance",
};

/** A line for each order that holds. */
export function orderLines(orders: readonly Order[]): string[] {
  return orders.map(({ kind, target, untilMs, who }) => {
    const until = untilMs >= FOREVER_MS ? "" : ` until ${timeOf(untilMs)}`;
    const of = target === "" ? "" : ` of ${oneLine(target)}`;
    return `${WORDS[kind]}${of}${until}, by ${oneLine(who)}.`;
  });
}
