/** Data as it goes over a link: where its way is recorded, that says whence it came. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import type { Data } from "@glassline/proto/mesh";
import { DataSchema } from "@glassline/proto/mesh";

const HOP_LIMIT = 32;

export type DataInit = Pick<
  MessageInitShape<typeof DataSchema>,
  "circuit" | "destination" | "signal" | "payload" | "hopContexts" | "avoid"
>;

/** As it begins at a node: the way of sampled reports is recorded, and that of what must not go just any way. */
export function dataFrom(source: string, init: DataInit): Data {
  const { hopContexts = [], avoid = [] } = init;
  const path = hopContexts.length > 0 || avoid.length > 0 ? [source] : [];
  return create(DataSchema, { ...init, source, hopLimit: HOP_LIMIT, path, avoid, hopContexts });
}

export const sentData = (data: Data): Data =>
  data.path.length > 0 ? { ...data, source: "" } : data;

/** @param data that came over a link. */
export function receivedData(data: Data): Data {
  data.source ||= data.path[0] ?? "";
  return data;
}
