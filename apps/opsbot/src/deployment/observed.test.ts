import { create } from "@bufbuild/protobuf";
import { EdgeSpecSchema, SetDesiredStateRequestSchema } from "@glassline/proto/node";
import { expect, test } from "vitest";

import type { Look } from "../machines.ts";
import { newDeployment } from "../stores/deployments.ts";
import { lackingOf } from "./observed.ts";
import type { DeploymentParts } from "./parts.ts";

const DESCRIPTION = `channel: harbour
source: /live/cam-0001/index.m3u8
machines: [machine-1, machine-2]
overlay: {kind: none}
`;

test("of a machine that does not answer nothing is lacking, and monitoring has its edge as before", async () => {
  const edges = ["machine-1", "machine-2"].map((machine) =>
    create(EdgeSpecSchema, { name: `harbour-${machine.at(-1)}`, machine, channel: "harbour" }),
  );
  const deployment = {
    ...newDeployment("harbour"),
    description: DESCRIPTION,
    goal: create(SetDesiredStateRequestSchema, { edges }),
  };
  const registered = new Set(["harbour-1", "harbour-2"]);
  const registrar: Pick<DeploymentParts["registrar"], "lacks"> = {
    lacks: async (wanted) => {
      const names = new Set(wanted.edges.map(({ name }) => name));
      return [...registered.symmetricDifference(names)];
    },
  };
  const look = {
    machines: new Map([["machine-1", {}]]),
    edges: [{ spec: edges[0], current: true }],
    segments: [],
  } as unknown as Look;
  const enrolled = { get: async () => undefined };
  const parts = { registrar, enrolled } as unknown as DeploymentParts;
  expect(await lackingOf(deployment, parts, look)).toEqual([]);
  registered.delete("harbour-1");
  expect(await lackingOf(deployment, parts, look)).toEqual(["harbour-1"]);
  const gone = { ...look, edges: [] } as unknown as Look;
  expect(await lackingOf(deployment, parts, gone)).toHaveLength(2);
});
