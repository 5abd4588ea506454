/** What the front and its shards tell each other over the channel between their processes. */
import type { RegistryContent } from "@glassline/service/metrics";

import type { Claimed, Mark } from "../core/ownership.ts";
import type { DoorName } from "../doors.ts";

export type ToShard =
  /** The first one. Queries and directives of others go to the front's port. */
  | { type: "place"; shard: number; shards: number; frontPort: number }
  /** With the socket. */
  | { type: "connection"; door: DoorName; connection: number }
  | { type: "grant"; claim: number; durableSeq: number }
  | ({ type: "release" } & Claimed)
  | { type: "moved"; producer: string }
  | { type: "ping" }
  | { type: "get-metrics" };

export type Place = Extract<ToShard, { type: "place" }>;

export type ToFront =
  /** Before it is ready: what its log has. */
  | { type: "marks"; marks: Mark[] }
  | ({ type: "claim"; claim: number } & Claimed)
  | ({ type: "released" } & Mark)
  /** A connection that was handed over has ended. */
  | { type: "connection-ended"; connection: number }
  | { type: "pong" }
  | { type: "metrics"; metrics: RegistryContent };
