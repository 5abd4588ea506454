/** channel.yaml as text: read and checked, each mistake with its line and column. Pure. */
import {
  EDGES_MAX,
  NOT_IN_A_LINE,
  PATH,
  PATH_MAX_CHARS,
  TITLE_MAX_CHARS,
} from "@glassline/proto/enrolment-limits";
import type { Document, Node } from "yaml";
import { LineCounter, isMap, isNode, isScalar, parseDocument } from "yaml";
import type { z } from "zod";

import { remembered } from "../remembered.ts";
import type { Description } from "./description.ts";
import { DESCRIPTION } from "./description.ts";

export const DESCRIPTION_MAX_CHARS = 65_536;
const MISTAKES_SHOWN = 20;

export interface Mistake {
  line: number;
  column: number;
  /** "slo.hitRate: got 110%, expected at most 100%" */
  says: string;
}

/** What is wrong, one line a mistake. */
export class DescriptionError extends Error {
  override readonly name = "DescriptionError";
  readonly mistakes: readonly Mistake[];

  constructor(mistakes: readonly Mistake[]) {
    const shown = mistakes.slice(0, MISTAKES_SHOWN);
    const lines = shown.map(({ line, column, says }) => `${line}:${column} ${says}`);
    const more = mistakes.length - shown.length;
    super([...lines, ...(more > 0 ? [`and ${more} more`] : [])].join("\n"));
    this.mistakes = mistakes;
  }
}

const REMEMBERED = 1_000;

/** Throws DescriptionError. */
export const readDescription: (yaml: string) => Description = remembered(read, REMEMBERED);

function read(yaml: string): Description {
  if (yaml.length > DESCRIPTION_MAX_CHARS)
    throw mistake(1, 1, `got ${yaml.length} characters, expected at most ${DESCRIPTION_MAX_CHARS}`);
  const lines = new LineCounter();
  const document = parseDocument(yaml, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  if (document.errors.length > 0)
    throw new DescriptionError(
      document.errors.map(({ pos, message }) => ({ ...at(pos[0]), says: `YAML: ${message}` })),
    );
  const parsed = DESCRIPTION.safeParse(valueOf(document));
  if (!parsed.success)
    throw new DescriptionError(
      oneAPlace(parsed.error.issues.flatMap((issue) => mistakesOf(issue, document, at))),
    );
  const contradictions = contradictionsOf(parsed.data);
  if (contradictions.length === 0) return parsed.data;
  throw new DescriptionError(
    contradictions.map(({ path, says }) => ({ ...at(offsetOf(document, path)), says })),
  );
}

/** Without references to elsewhere in the text: a few of them can stand for gigabytes. */
function valueOf(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch {
    throw mistake(1, 1, "got an alias (*), expected a text without any");
  }
}

function mistake(line: number, column: number, says: string): DescriptionError {
  return new DescriptionError([{ line, column, says }]);
}

/** What is wrong in several ways is told once. */
function oneAPlace(mistakes: readonly Mistake[]): Mistake[] {
  const placeOf = ({ line, column, says }: Mistake) => `${line}:${column} ${says.split(":")[0]}`;
  return [
    ...new Map(mistakes.toReversed().map((one) => [placeOf(one), one])).values(),
  ].toReversed();
}

type At = (offset: number) => { line: number; column: number };

function mistakesOf(issue: z.core.$ZodIssue, document: Document, at: At): Mistake[] {
  const path = issue.path.map((key) => (typeof key === "symbol" ? String(key) : key));
  const where = path.join(".") || "channel.yaml";
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({
      ...at(offsetOf(document, [...path, key], true)),
      says: `${[...path, key].join(".")}: there is no such setting`,
    }));
  const node = document.getIn(path, true);
  const got = isNode(node) ? shownOf(node) : "nothing";
  return [
    { ...at(offsetOf(document, path)), says: `${where}: got ${got}, expected ${expected(issue)}` },
  ];
}

const KINDS: Readonly<Record<string, string>> = {
  object: "a map",
  array: "a list",
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
};

function expected(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return KINDS[issue.expected] ?? issue.expected;
    case "invalid_value":
      return `one of ${issue.values.join(", ")}`;
    case "too_small":
      return `at least ${issue.minimum}${issue.origin === "array" ? " of them" : ""}`;
    case "too_big":
      return `at most ${issue.maximum}${issue.origin === "array" ? " of them" : ""}`;
    case "invalid_union":
      return "one of its forms";
    default:
      return issue.message;
  }
}

function shownOf(node: unknown): string {
  const value = isScalar(node) ? node.value : undefined;
  if (value === undefined) return isMap(node) ? "a map" : "a list";
  return JSON.stringify(value).slice(0, 100);
}

/** Of the value, or of its key; of the nearest that is there, when it is missing. */
function offsetOf(document: Document, path: readonly (string | number)[], isKey = false): number {
  if (path.length === 0) return document.contents?.range?.[0] ?? 0;
  const parent = path.slice(0, -1);
  const map = parent.length === 0 ? document.contents : document.getIn(parent, true);
  if (isKey && isMap(map)) {
    const pair = map.items.find(({ key }) => isScalar(key) && key.value === path.at(-1));
    if (pair && isNode(pair.key)) return (pair.key as Node).range?.[0] ?? 0;
  }
  const node = document.getIn(path, true);
  if (isNode(node) && node.range) return node.range[0];
  return offsetOf(document, parent);
}

interface Contradiction {
  path: readonly (string | number)[];
  says: string;
}

/** What each setting by itself cannot tell. */
function contradictionsOf(description: Description) {
  const { machines, spares, shield, overlay, clients } = description;
  const found: Contradiction[] = [];
  const twice = machines.findIndex((one, place) => machines.indexOf(one) < place);
  if (twice >= 0)
    found.push({ path: ["machines", twice], says: `machines: got ${machines[twice]} twice` });
  const both = spares.findIndex((one) => machines.includes(one));
  if (both >= 0)
    found.push({
      path: ["spares", both],
      says: `spares: got ${spares[both]}, expected one that is not in machines`,
    });
  const known = new Set([...machines, ...spares, ...(shield === undefined ? [] : [shield])]);
  for (const [site, names] of Object.entries(overlay.gateways ?? {}))
    for (const [place, one] of names.entries())
      if (!known.has(one))
        found.push({
          path: ["overlay", "gateways", site, place],
          says: `overlay.gateways.${site}: got ${one}, expected one of its machines`,
        });
  found.push(...misplacedServices(description));
  if (overlay.encrypted && overlay.kind === "none")
    found.push({ path: ["overlay", "encrypted"], says: "overlay.encrypted: got true without one" });
  if (clients?.relay && !clients.relay.http2 && !clients.relay.http3)
    found.push({ path: ["clients", "relay"], says: "clients.relay: expected http3 or http2" });
  return clients ? [...found, ...notForPhones(description, clients)] : found;
}

/** Who has an edge is part of the overlay. */
function misplacedServices({ machines, shield, overlay }: Description): Contradiction[] {
  const members = shield === undefined ? machines : [...machines, shield];
  const services = Object.entries(overlay.services);
  if (overlay.kind === "none" && services.length > 0)
    return [{ path: ["overlay", "services"], says: "overlay.services: got some without one" }];
  return services
    .filter(([, one]) => !members.includes(one))
    .map(([service, one]) => ({
      path: ["overlay", "services", service],
      says: `overlay.services.${service}: got ${one}, expected one of ${members.join(", ")}`,
    }));
}

/** What enrolment would refuse. */
function notForPhones(
  { machines, source, title }: Description,
  { wifi }: NonNullable<Description["clients"]>,
): Contradiction[] {
  const found: Contradiction[] = [];
  if (title.length > TITLE_MAX_CHARS || NOT_IN_A_LINE.test(title))
    found.push({
      path: ["title"],
      says: `title: got ${title.length} characters, expected with clients one line of at most ${TITLE_MAX_CHARS}`,
    });
  if (machines.length > EDGES_MAX)
    found.push({
      path: ["machines", EDGES_MAX],
      says: `machines: got ${machines.length}, expected at most ${EDGES_MAX} of them with clients`,
    });
  if (source.length > PATH_MAX_CHARS || !PATH.test(source))
    found.push({
      path: ["source"],
      says: `source: got ${JSON.stringify(source)}, expected with clients at most ${PATH_MAX_CHARS} characters, of A-Z a-z 0-9 . _ ~ - between slashes`,
    });
  if (wifi && wifi.encryption !== "None" && wifi.passwordFile === undefined)
    found.push({
      path: ["clients", "wifi"],
      says: "clients.wifi: got no passwordFile, expected one, or encryption: None",
    });
  return found;
}
