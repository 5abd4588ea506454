/** Machines that are gone for good: what waits for them, and what is done when they come back. */
import { expect, test } from "vitest";

import { instantNetwork } from "./instant-network.testing.ts";

const DESCRIPTION = `channel: harbour
source: /live/cam-0001/index.m3u8
machines: [machine-1, machine-2]
spares: [machine-3]
`;
const THREE = { "agent-1": ["machine-1"], "agent-2": ["machine-2"], "agent-3": ["machine-3"] };
const ALL = { after: 0, limit: 100 };

test("a machine is forgotten neither while it answers nor while something of a channel is wished there", async () => {
  await using network = await instantNetwork(THREE);
  await network.deploy("harbour", DESCRIPTION);
  expect(await network.planForgetting("machine-3")).toMatchObject({ because: "answers" });
  network.dead.add("machine-2");
  expect(await network.planForgetting("machine-2")).toMatchObject({
    because: "in_use",
    refused: expect.stringContaining("machine-2 has edge harbour-2 of harbour"),
  });
  await expect(network.forget("machine-2")).rejects.toThrow("machine-2 has edge harbour-2");
  await network.evacuate("machine-2");
  expect(await network.planForgetting("machine-2")).toEqual([]);
  // It is back between the plan and what is done.
  network.dead.clear();
  await expect(network.forget("machine-2")).rejects.toThrow("machine-2 answers");
  expect(network.forgotten).toEqual([]);
});

test("VNIs wait no more for a machine that is forgotten, and for the others as before", async () => {
  await using network = await instantNetwork(THREE);
  await network.deploy("harbour", DESCRIPTION);
  const { vni } = (await network.vnis.of("harbour:"))!;
  network.dead.add("machine-2");
  await network.evacuate("machine-2");
  await network.destroy("harbour");
  const nodes = ["machine-1", "machine-2", "machine-3"];
  expect(await network.vnis.quarantined(ALL)).toEqual([{ vni, formerOwner: "harbour:", nodes }]);
  expect(await network.planForgetting("machine-2")).toEqual([
    "- 1 VNI in quarantine until it confirms",
  ]);
  expect(await network.forget("machine-2")).toBe("1 VNI waits for it no more");
  expect(await network.forget("machine-2")).toBe("0 VNIs wait for it no more");
  expect(await network.vnis.quarantined(ALL)).toMatchObject([
    { nodes: ["machine-1", "machine-3"] },
  ]);
  expect(network.forgotten).toContain("machine-2");
});

test("a channel that is taken down after a machine was forgotten does not wait for it", async () => {
  await using network = await instantNetwork(THREE);
  await network.deploy("harbour", DESCRIPTION);
  network.dead.add("machine-2");
  await network.evacuate("machine-2");
  await network.forget("machine-2");
  expect(await network.places("harbour")).toEqual(["harbour-1 machine-1", "harbour-2 machine-3"]);
  await network.destroy("harbour");
  expect(await network.vnis.quarantined(ALL)).toMatchObject([
    { nodes: ["machine-1", "machine-3"] },
  ]);
});
