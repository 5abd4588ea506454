/** OpsBot in front of real parts that break: what it sees, does and tells. */
import type { GetIncidentResponse } from "@glassline/proto/opsbot";
import { EntryKind, IncidentPhase, OpsBotService } from "@glassline/proto/opsbot";
import { jsonClient } from "@glassline/proto/json";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { countingSource } from "./testing/sources.ts";
import { openStaleProxy } from "./testing/stale-proxy.ts";
import { Testbed, eventually } from "./testing/testbed.ts";

const EDGE_PORT = 18_473;
const TOKEN = "a-token-of-this-test";

let bed: Testbed;
beforeEach(async () => void (bed = await Testbed.open()));
afterEach(() => bed[Symbol.asyncDispose]());

async function openOpsBot(words: Parameters<Testbed["opsbot"]>[0]) {
  const { addresses } = await bed.opsbot({ "edge-token": TOKEN, ...words });
  const client = jsonClient(OpsBotService, `http://localhost:${addresses.adminPort}`);
  return {
    client,
    /** Waits for an incident of a check to get where the test wants it. */
    incident: (check: string, isThere: (story: GetIncidentResponse) => boolean) =>
      eventually(
        `incident of ${check}`,
        async () => {
          const { incidents } = await client.listIncidents();
          const id = incidents.find((each) => each.check === check)?.id;
          const story = id && (await client.getIncident({ id }));
          return story && isThere(story) ? story : undefined;
        },
        40_000,
      ),
  };
}

const isIn = (phase: IncidentPhase) => (story: GetIncidentResponse) =>
  story.incident!.phase === phase;
const hasDone = ({ entries }: GetIncidentResponse) =>
  entries.some(({ kind }) => kind === EntryKind.DONE);
const kindsOf = ({ entries }: GetIncidentResponse) => entries.map(({ kind }) => kind);

describe("OpsBot", { timeout: 90_000 }, () => {
  test("leaves an origin that does not answer to people, and closes the incident when it does again", async () => {
    const origin = await bed.origin();
    const port = origin.addresses.grpcPort;
    const opsbot = await openOpsBot({ origin: `origin=localhost:${port}` });
    await eventually("the channel is seen", async () => {
      const { checks } = await opsbot.client.getStatus();
      return checks.find(({ output }) => output === "1 channel");
    });
    await origin[Symbol.asyncDispose]();
    const { entries } = await opsbot.incident("channels", isIn(IncidentPhase.ESCALATED));
    expect(entries[0]!.text).toBe("channels: it does not answer");
    await bed.origin({ "grpc-port": port });
    await opsbot.incident("channels", isIn(IncidentPhase.RESOLVED));
  });

  test("leaves silent cameras to people by name, and closes the incident when they are heard", async () => {
    const collector = await bed.collector({ "silence-limit": "1s" });
    const collectorAddress = `localhost:${collector.addresses.port}`;
    const relay = await bed.meshNode("node-2", { collector: collectorAddress });
    const peer = `node-2=localhost:${relay.addresses.port}`;
    const gateway = await bed.meshNode("node-1", { gateway: true, peer });
    const attach = () => {
      const source = countingSource("cam-quiet", { perReport: 1, intervalMs: 50 });
      return bed.camera("agent-1", gateway.addresses.port, [source]);
    };
    const opsbot = await openOpsBot({ collector: `collector=${collectorAddress}` });
    const agent = await attach();
    await eventually("the camera is heard", async () => {
      const { checks } = await opsbot.client.getStatus();
      return checks.find(({ output }) => output === "1 camera heard, none silent");
    });
    await agent[Symbol.asyncDispose]();
    const { incident } = await opsbot.incident("silence", isIn(IncidentPhase.ESCALATED));
    expect(incident!.title).toBe("cameras: 1 of 1 camera silent: cam-quiet");
    await attach();
    await opsbot.incident("silence", isIn(IncidentPhase.RESOLVED));
  });

  test("flushes an edge whose playlists are stale, and sees whether that helped", async () => {
    const origin = await bed.origin();
    using proxy = await openStaleProxy(origin.addresses.port, {
      origin: await bed.identity({ role: "origin", instance: "origin" }),
      edge: await bed.identity({ role: "edge-cache", instance: "edge-1" }),
    });
    const edge = await bed.edge("edge-1", proxy.port, { port: EDGE_PORT, "admin-token": TOKEN });
    const opsbot = await openOpsBot({
      origin: `origin=localhost:${origin.addresses.grpcPort}`,
      edge: `edge-1=localhost:${edge.addresses.grpcPort}`,
      verify: "30s",
    });
    await eventually("the edge is up to date", async () => {
      const { checks } = await opsbot.client.getStatus();
      return checks.find(({ output }) => output === "1 channel up to date");
    });
    // Its own looks make no viewers.
    const { checks } = await opsbot.client.getStatus();
    expect(checks.find(({ check }) => check === "health")!.output).toMatch(/^0 viewers/);
    proxy.freeze();
    const { incident } = await opsbot.incident("freshness", hasDone);
    expect(incident!.title).toMatch(/^edge-1: cam-0001 is \d+ segments behind the origin$/);
    expect(incident!.phase).toBe(IncidentPhase.VERIFYING);
    proxy.thaw();
    const story = await opsbot.incident("freshness", isIn(IncidentPhase.RESOLVED));
    const { SEEN, DECIDED, INTENT, DONE, VERIFIED, CLOSED } = EntryKind;
    expect(kindsOf(story)).toEqual([SEEN, DECIDED, INTENT, DONE, VERIFIED, CLOSED]);
  });

  test("says what impedes it while the node-agent is away", async () => {
    const opsbot = await openOpsBot({ "node-agent": "node-agent=localhost:1", edges: "{}" });
    await eventually("it says so", async () => {
      const { impediment } = await opsbot.client.getStatus();
      return impediment.startsWith("a node-agent does not take what shall run") || undefined;
    });
  });
});
