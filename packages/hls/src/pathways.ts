/**
 * Redundant pathways: the same variants from several servers, and a steering server that says which one to use.
 * Source: https://datatracker.ietf.org/doc/html/draft-pantos-hls-rfc8216bis sections 4.4.6.6 and 7.
 */

export interface Pathway {
  /** PATHWAY-ID: letters, digits, ".", "-", "_" (section 4.4.6.2). */
  id: string;
  /** Without a trailing slash: "http://localhost:7471". */
  baseUrl: string;
}

export interface Steering {
  /** Which pathway a player begins with. */
  initial: string;
  /** Of the steering server; relative to the playlist or absolute. */
  serverUri: string;
}

/** Groups that a variant may name; renditions of another pathway need groups of their own. */
const GROUP_ATTRIBUTES = ["AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"];

/** Whether a text lists variants. */
export function isMultivariant(text: string): boolean {
  return /^#EXT-X-STREAM-INF:/m.test(text);
}

/**
 * A multivariant playlist that offers each of its variants on every pathway, with content steering. Variants and
 * renditions of other servers (absolute addresses) stay as they are.
 * @param path of the playlist, e.g. "/live/cam-1/index.m3u8": relative addresses begin there.
 */
export function withPathways(
  text: string,
  path: string,
  pathways: readonly Pathway[],
  { initial, serverUri }: Steering,
): string {
  const [head, variants, renditions] = sorted(text);
  const steering = `#EXT-X-CONTENT-STEERING:SERVER-URI="${serverUri}",PATHWAY-ID="${initial}"`;
  // The first variants are those of a player that knows nothing of steering.
  const ordered = pathways.toSorted((a, b) => Number(b.id === initial) - Number(a.id === initial));
  const lines = ordered.flatMap((pathway) => [
    ...renditions.map((line) => renditionOn(pathway, line, path)),
    ...variants.flatMap(({ line, uri }) => variantOn(pathway, line, uri, path)),
  ]);
  return `${[...head, steering, ...lines].join("\n")}\n`;
}

interface VariantEntry {
  line: string;
  uri: string | undefined;
}

/** Lines before, variants with their URI lines, and renditions. */
function sorted(text: string): [string[], VariantEntry[], string[]] {
  const head: string[] = [];
  const variants: VariantEntry[] = [];
  const renditions: string[] = [];
  const lines = text.split(/\r?\n/).filter((line) => line !== "");
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    if (line.startsWith("#EXT-X-CONTENT-STEERING:")) continue;
    if (line.startsWith("#EXT-X-STREAM-INF:")) variants.push({ line, uri: lines[++at] });
    else if (line.startsWith("#EXT-X-I-FRAME-STREAM-INF:")) variants.push({ line, uri: undefined });
    else if (line.startsWith("#EXT-X-MEDIA:")) renditions.push(line);
    else head.push(line);
  }
  return [head, variants, renditions];
}

function variantOn(
  pathway: Pathway,
  line: string,
  uri: string | undefined,
  path: string,
): string[] {
  const placed = addressesOn(pathway, groupsOn(pathway, line), path);
  const named = `${placed.replace(/,PATHWAY-ID="[^"]*"/, "")},PATHWAY-ID="${pathway.id}"`;
  return uri === undefined ? [named] : [named, addressOn(pathway, uri, path)];
}

function renditionOn(pathway: Pathway, line: string, path: string): string {
  const grouped = line.replace(/([:,]GROUP-ID=")([^"]*)"/, `$1$2@${pathway.id}"`);
  return addressesOn(pathway, grouped, path);
}

function groupsOn(pathway: Pathway, line: string): string {
  const names = GROUP_ATTRIBUTES.join("|");
  return line.replaceAll(new RegExp(`([:,](?:${names})=")([^"]*)"`, "g"), `$1$2@${pathway.id}"`);
}

function addressesOn(pathway: Pathway, line: string, path: string): string {
  return line.replace(
    /([:,]URI=")([^"]*)"/,
    (_all, name: string, uri: string) => `${name}${addressOn(pathway, uri, path)}"`,
  );
}

function addressOn({ baseUrl }: Pathway, uri: string, path: string): string {
  if (/^[a-z][a-z0-9+.-]*:/i.test(uri) || uri.startsWith("//")) return uri;
  if (!URL.canParse(uri, `http://pathway${path}`)) return uri;
  const { pathname, search } = new URL(uri, `http://pathway${path}`);
  return `${baseUrl}${pathname}${search}`;
}

/** A steering manifest (section 7.2). */
export interface SteeringManifest {
  VERSION: 1;
  /** Seconds until a player asks again. */
  TTL: number;
  /** Where it asks the next time. */
  "RELOAD-URI"?: string;
  /** Best first; a pathway that is left out is not used. */
  "PATHWAY-PRIORITY": string[];
}

/** Undefined: it is none. */
export function readSteering(body: Uint8Array): SteeringManifest | undefined {
  try {
    const manifest = JSON.parse(new TextDecoder().decode(body)) as SteeringManifest;
    return manifest.VERSION === 1 && Array.isArray(manifest["PATHWAY-PRIORITY"])
      ? manifest
      : undefined;
  } catch {
    return undefined;
  }
}
