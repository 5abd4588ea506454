/** Data as it goes over a link: where its way is recorded, that says whence it came. */
import type { Data } from "@glassline/proto/mesh";

export const sentData = (data: Data): Data =>
  data.path.length > 0 ? { ...data, source: "" } : data;

/** @param data that came over a link. */
export function receivedData(data: Data): Data {
  data.source ||= data.path[0] ?? "";
  return data;
}
