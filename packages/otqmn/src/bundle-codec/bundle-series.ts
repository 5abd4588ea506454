/** Series of cameras as series of a stream: quantity, camera, unit, kind, then attributes in the order of their keys. */
import { CodecError } from "../bytes.ts";
import type { Series } from "../sample.ts";
import { ATTRIBUTES_MAX, SERIES_KINDS } from "../sample.ts";
import type { SeriesDefinition } from "../stream-codec/series-definition.ts";

const HEAD_PARTS = 4;
const PARTS_MAX = HEAD_PARTS + 2 * ATTRIBUTES_MAX;
/** Of each text, and texts, that an error shows. */
const SHOWN = { characters: 40, texts: 6 } as const;
/** Metrics of streams that no convention names: their components are quantities of their own. */
const MIXED = /^camera\.gpmf\./;
const COLUMNS = [{ type: "float", field: 0 }] as const;

export function definitionOf({
  cameraId,
  metric,
  unit,
  kind,
  attributes,
}: Series): SeriesDefinition {
  const sorted = Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (sorted.length > ATTRIBUTES_MAX)
    throw new CodecError(`attributes: got ${sorted.length}, expected at most ${ATTRIBUTES_MAX}`);
  const component = MIXED.test(metric) ? (attributes["component"] ?? "") : "";
  const quantity = component === "" ? metric : `${metric}#${component}`;
  return { parts: [quantity, cameraId, unit, kind, ...sorted.flat()], columns: COLUMNS };
}

/** Throws CodecError for a series that is none of a camera. */
export function seriesOf({ parts, columns }: SeriesDefinition): Series {
  const [quantity = "", cameraId = "", unit = "", kindText] = parts;
  const kind = SERIES_KINDS.find((each) => each === kindText);
  if (!kind || parts.length > PARTS_MAX || columns.length !== 1 || columns[0]!.type !== "float")
    throw noSeries(parts);
  const attributes = attributesIn(parts);
  const metric = MIXED.test(quantity) ? quantity.replace(/#.*$/s, "") : quantity;
  return { cameraId, metric, unit, kind, attributes };
}

/** Keys are any text, "__proto__" too. */
function attributesIn(parts: readonly string[]): Record<string, string> {
  const entries = Array.from({ length: (parts.length - HEAD_PARTS) / 2 }, (_, at) => {
    const place = HEAD_PARTS + 2 * at;
    return [parts[place]!, parts[place + 1]!] as const;
  });
  const attributes = Object.fromEntries(entries);
  // A part without a partner, or a key that comes twice.
  if (HEAD_PARTS + 2 * Object.keys(attributes).length !== parts.length) throw noSeries(parts);
  return attributes;
}

function noSeries(parts: readonly string[]): CodecError {
  const shown = parts.slice(0, SHOWN.texts).map((text) => text.slice(0, SHOWN.characters));
  return new CodecError(
    `series: got ${parts.length} parts that begin with ${JSON.stringify(shown)}, expected that of a camera`,
  );
}
