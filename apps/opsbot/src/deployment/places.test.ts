/** Where a channel's edges are: as they are asked for, where machines have died, and back. */
import { create } from "@bufbuild/protobuf";
import { EdgeSpecSchema } from "@glassline/proto/node";
import { expect, test } from "vitest";

import { instantNetwork } from "./instant-network.testing.ts";

const DESCRIPTION = `channel: harbour
source: /live/cam-0001/index.m3u8
machines: [machine-1, machine-2]
spares: [machine-3]
overlay: {kind: none}
`;
const THREE = { "agent-1": ["machine-1"], "agent-2": ["machine-2"], "agent-3": ["machine-3"] };

test("an edge moves between two machines of one node-agent, which has one of each name", async () => {
  await using network = await instantNetwork({ "agent-1": ["machine-1", "machine-2"] });
  const one = DESCRIPTION.replace("machine-1, machine-2", "machine-1").replace("-3]", "-2]");
  await network.deploy("harbour", one);
  await network.evacuate("machine-1");
  expect(await network.places("harbour")).toEqual(["harbour-1 machine-2"]);
  expect(network.refused).toEqual([]);
});

test("an edge is back on its machine when somebody deploys the same description again, and that is planned", async () => {
  await using network = await instantNetwork(THREE);
  await network.deploy("harbour", DESCRIPTION);
  expect(await network.plan("harbour", DESCRIPTION)).toMatchObject({ because: "nothing_to_do" });
  network.dead.add("machine-2");
  await network.evacuate("machine-2");
  expect(await network.places("harbour")).toEqual(["harbour-1 machine-1", "harbour-2 machine-3"]);
  expect(await network.plan("harbour", DESCRIPTION)).toMatchObject({
    refused: expect.stringContaining("got machine-2, which no node-agent tells of"),
  });
  network.dead.clear();
  const planned = (await network.plan("harbour", DESCRIPTION)) as string[];
  expect(planned).toContainEqual(expect.stringMatching(/^\+ edge harbour-2 on machine-2 /));
  expect(planned).toContainEqual("- edge harbour-2 on machine-3");
  await network.deploy("harbour", DESCRIPTION);
  expect(await network.places("harbour")).toEqual(["harbour-1 machine-1", "harbour-2 machine-2"]);
  expect(await network.plan("harbour", DESCRIPTION)).toMatchObject({ because: "nothing_to_do" });
});

test("what falls short is taken back to where edges were, also while a machine is dead", async () => {
  await using network = await instantNetwork(THREE);
  await network.deploy("harbour", DESCRIPTION);
  network.dead.add("machine-2");
  await network.evacuate("machine-2");
  const before = (await network.journal.deployments.of("harbour"))!;
  network.falls = "99 % of requests failed";
  const other = DESCRIPTION.replace("machine-1, machine-2", "machine-3, machine-1").replace(
    "spares: [machine-3]\n",
    "",
  );
  await expect(network.deploy("harbour", other)).rejects.toThrow("It is as it was before");
  const after = (await network.journal.deployments.of("harbour"))!;
  expect(after).toMatchObject({ phase: "live", description: DESCRIPTION, kept: before.kept });
  expect(after.goal).toEqual(before.goal);
  // Who asks for the dead machine is told so, and nothing has changed either.
  await expect(network.deploy("harbour", DESCRIPTION)).rejects.toThrow("It is as it was before");
  expect(await network.places("harbour")).toEqual(["harbour-1 machine-1", "harbour-2 machine-3"]);
});

test("a VNI is nobody's until machines that died with it are without it, too", async () => {
  await using network = await instantNetwork(THREE);
  await network.deploy("harbour", DESCRIPTION.replace("kind: none", "kind: vxlan"));
  network.dead.add("machine-2");
  await network.evacuate("machine-2");
  await network.destroy("harbour");
  const [waiting] = await network.vnis.quarantined({ after: 0, limit: 10 });
  expect(waiting!.nodes).toEqual(["machine-1", "machine-2", "machine-3"]);
});

test("an overlay changes to IPv4 and back, and that is planned", async () => {
  await using network = await instantNetwork(THREE);
  const overlay = (words: string) => DESCRIPTION.replace("kind: none", words);
  const addresses = async () =>
    (await network.journal.deployments.of("harbour"))!.goal.segments.map(({ address }) => address);
  await network.deploy("harbour", overlay("kind: vxlan"));
  for (const [words, family] of [
    ["ipv4: true", /^10\.\d+\.\d+\.\d+\/24$/],
    ["ipv4: false", /^fd.*\/64$/],
  ] as const) {
    const planned = (await network.plan("harbour", overlay(words))) as string[];
    expect(planned).toContain("~ segment harbour on machine-1: address, peers");
    await network.deploy("harbour", overlay(words));
    for (const address of await addresses()) expect(address).toMatch(family);
    expect(await network.plan("harbour", overlay(words))).toMatchObject({
      because: "nothing_to_do",
    });
  }
});

test("a shield comes where an edge goes at the same time: their node-agent has both for a while", async () => {
  await using network = await instantNetwork(THREE);
  const two = DESCRIPTION.replace("spares: [machine-3]\n", "");
  await network.deploy("harbour", two);
  await network.deploy(
    "harbour",
    `${two.replace("machine-1, machine-2", "machine-1")}shield: machine-2\n`,
  );
  expect(network.refused).toEqual([]);
  expect(await network.places("harbour")).toEqual([
    "harbour-shield machine-2",
    "harbour-1 machine-1",
  ]);
});

test("an edge that nobody wishes any more keeps its ports until it has gone", async () => {
  await using network = await instantNetwork(THREE);
  const old = { name: "old-1", machine: "machine-1", channel: "old", port: 7_600 };
  network.lingering.push(create(EdgeSpecSchema, old));
  await network.deploy("harbour", DESCRIPTION);
  const { goal } = (await network.journal.deployments.of("harbour"))!;
  expect(goal.edges.map(({ port }) => port)).toEqual([7_604, 7_600]);
});
