/** What happens to OpsBot, and what there must be of it in the end, however often it dies on the way. */
import type { Action } from "../../src/core/action.ts";
import type { Problem } from "../loop/words.ts";

export interface Scenario {
  name: string;
  /** Undefined: a person asks for something. */
  problem?: Problem;
  /** The effect with which the problem ends. */
  endsWith?: string;
  request?: Action;
  /** Effects, each once, in order. */
  effects: readonly string[];
  phase: "resolved" | "escalated";
}

const of = (check: string): Problem => ({ object: "edge-1", check });

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "flush",
    problem: of("freshness"),
    endsWith: "purge edge-1",
    effects: ["purge edge-1"],
    phase: "resolved",
  },
  {
    name: "restart",
    problem: of("health"),
    endsWith: "restart edge-1 2",
    effects: ["restart edge-1 2"],
    phase: "resolved",
  },
  {
    name: "prime",
    problem: of("hit-rate"),
    endsWith: "prime edge-1 /live/cam-0001",
    effects: ["prime edge-1 /live/cam-0001"],
    phase: "resolved",
  },
  {
    name: "re-route",
    problem: of("latency"),
    endsWith: "drain edge-1",
    effects: ["drain edge-1", "undrain edge-1"],
    phase: "resolved",
  },
  {
    name: "request",
    request: { kind: "flush", target: "edge-1", prefix: "/live/" },
    effects: ["purge edge-1"],
    phase: "resolved",
  },
  {
    name: "escalation",
    problem: of("freshness"),
    effects: ["purge edge-1", "restart edge-1 2", "restart edge-1 3"],
    phase: "escalated",
  },
];
