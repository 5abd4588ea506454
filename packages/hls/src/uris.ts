/** The addresses that a playlist names, whatever their tag means. Source: draft-pantos-hls-rfc8216bis sections 4.1 and 4.2. */

/**
 * URI, SERVER-URI, X-ASSET-URI, X-ASSET-LIST: all that make a player fetch something. Players also take white space around
 * names, values without quotes, and tags that do not begin their line.
 */
const ATTRIBUTE = /([:,\s](?:[A-Z0-9-]*URI|X-ASSET-LIST)\s*=\s*)("[^"]*"|[^",]+)/g;

/** A playlist with each of its URIs as `map` says. */
export function mapUris(text: string, map: (uri: string) => string): string {
  return text
    .split("\n")
    .map((line) => mapLine(line, map))
    .join("\n");
}

/** Every URI of a playlist, as written, in order. */
export function urisIn(text: string): string[] {
  const uris: string[] = [];
  mapUris(text, (uri) => (uris.push(uri), uri));
  return uris;
}

function mapLine(line: string, map: (uri: string) => string): string {
  const content = line.trim();
  if (content === "") return line;
  if (!content.startsWith("#")) return line.replace(content, () => map(content));
  return line.replaceAll(ATTRIBUTE, (_all, name: string, value: string) =>
    value.startsWith('"') ? `${name}"${map(value.slice(1, -1))}"` : `${name}${map(value.trim())}`,
  );
}
