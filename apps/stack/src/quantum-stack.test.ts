/** As `npm start` has it: a mesh whose links take in keys of three key managers. */
import { test } from "vitest";

import { countedValues, countingSource } from "./testing/sources.ts";
import { startProcesses } from "./testing/processes.ts";
import { eventually } from "./testing/testbed.ts";

const CAMERA = "cam-quantum";
const NODES = ["node-1", "node-2", "node-3"];
const SERVICES = [...NODES, "kme-1", "kme-2", "kme-3", "collector", "dashboard"];

test("all links have QKD keys soon, and samples arrive", { timeout: 120_000 }, async () => {
  await using stack = await startProcesses({ "no-quantum": "false" }, SERVICES);
  const source = countingSource(CAMERA, { perReport: 5, intervalMs: 50 });
  await using _agent = await stack.attach([source]);
  await eventually("samples are stored", async () => {
    return (await countedValues(stack.query, CAMERA)).length > 50 || undefined;
  });
  source.finish();
  const sources = async () => {
    const { nodes } = await stack.dashboard.getOverview({});
    return nodes.flatMap(({ links }) => links.map(({ keySource }) => keySource));
  };
  await eventually("all links have QKD keys", async () => {
    const all = await sources();
    return (all.length === 6 && all.every((one) => one === "sim")) || undefined;
  });
});
