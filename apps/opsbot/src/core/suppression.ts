/** Why a problem that Icinga shows is left alone, for people. Pure. */
import type { IcingaObject } from "./icinga-objects.ts";
import { count, record, text, time } from "./json-values.ts";

/** What people said about an object. */
export interface Remarks {
  /** Who acknowledged its problem; undefined: OpsBot did. */
  acknowledgedBy?: string | undefined;
  /** Of its downtime, and that of its host. */
  downtime?: Downtime | undefined;
}

export interface Downtime {
  /** "edge-1!health" */
  name: string;
  author: string;
  /** Whether it has begun. */
  active: boolean;
  endUnixNano: bigint;
}

export interface Comment {
  name: string;
  author: string;
  text: string;
  entryUnixNano: bigint;
}

/** @param remarks asked for only where the object says that there are some. */
export function suppressionOf(object: IcingaObject, remarks: Remarks): string | undefined {
  if (object.pending) return "pending: it has not been checked yet";
  if (object.unreachable !== undefined) return object.unreachable;
  if (object.flapping) return "flapping";
  // That a problem is over holds in a downtime too.
  if (object.state === "ok") return undefined;
  if (object.inDowntime) return `in downtime${untilText(remarks.downtime)}`;
  if (object.hostInDowntime) return `its host is in downtime${untilText(remarks.downtime)}`;
  const by = remarks.acknowledgedBy;
  return object.acknowledged && by !== undefined ? `acknowledged by ${by}` : undefined;
}

const NANO_PER_MS = 1_000_000n;

function untilText(downtime: Downtime | undefined): string {
  if (!downtime) return "";
  const time = new Date(Number(downtime.endUnixNano / NANO_PER_MS)).toISOString();
  return ` until ${time.slice(0, 16).replace("T", " ")} UTC, by ${downtime.author}`;
}

/** What is asked for of a downtime. */
export const DOWNTIME_ATTRIBUTES = [
  "host_name",
  "service_name",
  "author",
  "fixed",
  "end_time",
  "trigger_time",
  "duration",
] as const;

/** An entry of /v1/objects/downtimes. Throws MalformedJson. */
export function readDowntime(entry: unknown): Downtime {
  const attrs = record(record(entry, "an entry of results")["attrs"], "attrs");
  const triggered = time(attrs, "trigger_time");
  return {
    name: nameOf(attrs),
    author: shortened(text(attrs, "author")),
    active: triggered > 0n,
    endUnixNano:
      attrs["fixed"] === false ? triggered + time(attrs, "duration") : time(attrs, "end_time"),
  };
}

/** What is asked for of a comment. */
export const COMMENT_ATTRIBUTES = [
  "host_name",
  "service_name",
  "author",
  "text",
  "entry_type",
  "entry_time",
] as const;
/** Of `entry_type`: the comment of an acknowledgement. */
export const ACKNOWLEDGEMENT = 4;

/** An entry of /v1/objects/comments; undefined for one that acknowledges nothing. Throws MalformedJson. */
export function readAcknowledgement(entry: unknown): Comment | undefined {
  const attrs = record(record(entry, "an entry of results")["attrs"], "attrs");
  if (count(attrs, "entry_type") !== ACKNOWLEDGEMENT) return undefined;
  const words = attrs["text"];
  return {
    name: nameOf(attrs),
    author: shortened(text(attrs, "author")),
    text: typeof words === "string" ? words : "",
    entryUnixNano: time(attrs, "entry_time"),
  };
}

function nameOf(attrs: Readonly<Record<string, unknown>>): string {
  const host = text(attrs, "host_name");
  return attrs["service_name"] === "" ? host : `${host}!${text(attrs, "service_name")}`;
}

const AUTHOR_SHOWN_CHARS = 60;

/** People's names are data: one line, and not long. */
function shortened(author: string): string {
  return author.replaceAll(/\p{Cc}/gu, " ").slice(0, AUTHOR_SHOWN_CHARS);
}
