/** Series of cameras as series of a stream: quantity, camera, unit, kind, then attributes in the order of their keys. */
import { CodecError } from "../bytes.ts";
import type { Series } from "../sample.ts";
import { SERIES_KINDS } from "../sample.ts";
import type { SeriesDefinition } from "../stream-codec/series-definition.ts";

const HEAD_PARTS = 4;
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
  const component = MIXED.test(metric) ? (attributes["component"] ?? "") : "";
  const quantity = component === "" ? metric : `${metric}#${component}`;
  return { parts: [quantity, cameraId, unit, kind, ...sorted.flat()], columns: COLUMNS };
}

/** Throws CodecError for a series that is none of a camera. */
export function seriesOf({ parts, columns }: SeriesDefinition): Series {
  const [quantity = "", cameraId = "", unit = "", kindText] = parts;
  const kind = SERIES_KINDS.find((each) => each === kindText);
  const isPaired = (parts.length - HEAD_PARTS) % 2 === 0;
  if (!kind || !isPaired || columns.length !== 1 || columns[0]!.type !== "float")
    throw new CodecError(`series: got ${JSON.stringify(parts)}, expected that of a camera`);
  const attributes: Record<string, string> = {};
  for (let at = HEAD_PARTS; at < parts.length; at += 2) attributes[parts[at]!] = parts[at + 1]!;
  const metric = MIXED.test(quantity) ? quantity.replace(/#.*$/s, "") : quantity;
  return { cameraId, metric, unit, kind, attributes };
}
