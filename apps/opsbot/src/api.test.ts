/** The service by gRPC: who may do what by which certificate, and the desk from afar. */
import { ActionKind, OpsBotService } from "@glassline/proto/opsbot";
import { jsonRoutes } from "@glassline/proto/json";
import { systemClock } from "@glassline/service/clock";
import { describe, expect, onTestFinished, test } from "vitest";

import { serviceOf } from "./api.ts";
import { byCertificate, startApi } from "./api.testing.ts";
import { MemoryDesk } from "./desk.testing.ts";
import { remoteDesk } from "./remote-desk.ts";
import { newDeployment } from "./stores/deployments.ts";

const FLUSH = { case: "act", value: { kind: ActionKind.FLUSH, target: "edge-1" } } as const;
const ANNA = { who: "anna", role: "admin" } as const;

async function openApi() {
  const api = await startApi();
  onTestFinished(() => api[Symbol.asyncDispose]());
  return api;
}

describe("who asks", () => {
  test("an operator changes, and is written down by the certificate", async () => {
    const { desk, clientOf } = await openApi();
    const client = await clientOf("operator");
    const { result } = await client.plan({ change: { change: FLUSH } });
    const hash = result.case === "plan" ? result.value.hash : "";
    expect(await client.apply({ hash })).toMatchObject({ result: { case: "outcome" } });
    await client.stopEverything({});
    expect(desk.changed.map(({ who }) => who)).toEqual(["operator local", "operator local"]);
  });

  test("a monitor reads and changes nothing", async () => {
    const { desk, clientOf } = await openApi();
    const client = await clientOf("monitor");
    expect(await client.getInventory({})).toMatchObject({ edges: ["edge-1", "edge-2"] });
    const { result } = await client.plan({ change: { change: FLUSH } });
    expect(result).toMatchObject({ case: "refusal", value: { because: "role" } });
    await expect(client.stopEverything({})).rejects.toMatchObject({ code: "permission_denied" });
    const { ok, text } = await client.chat({ text: "flush edge-1", mayChange: true });
    expect({ ok, text }).toMatchObject({ ok: false, text: expect.stringContaining("operator") });
    expect(desk.changed).toEqual([]);
  });

  test("a dashboard changes only for those of whom it says so", async () => {
    const { desk, clientOf } = await openApi();
    const client = await clientOf("dashboard");
    expect((await client.chat({ text: "flush edge-1", mayChange: false })).ok).toBe(false);
    const { ok, suggestions } = await client.chat({ text: "flush edge-1", mayChange: true });
    expect(ok).toBe(true);
    expect((await client.chat({ text: suggestions[0]!, mayChange: false })).ok).toBe(false);
    expect(desk.changed).toEqual([]);
    expect((await client.chat({ text: suggestions[0]!, mayChange: true })).ok).toBe(true);
    expect(desk.changed).toHaveLength(1);
  });

  test("whoever shows no certificate changes nothing", async () => {
    const desk = new MemoryDesk(systemClock);
    const routes = jsonRoutes(
      OpsBotService,
      serviceOf({
        name: "opsbot",
        desk,
        clock: systemClock,
        fencingToken: () => 1n,
        describe: async () => "",
        callerOf: byCertificate,
      }),
    );
    const post = (name: string, body: object) =>
      routes
        .find(({ method }) => method.name === name)!
        .handle(body, {
          signal: new AbortController().signal,
        });
    for (const [name, body] of [
      ["Plan", { change: { resume: {} } }],
      ["Apply", { hash: "3f2a9c" }],
      ["StopEverything", {}],
      ["Chat", { text: "stop everything", mayChange: true }],
    ] as const)
      await expect(post(name, body)).rejects.toMatchObject({ code: "unauthenticated" });
    expect(await post("GetInventory", {})).toMatchObject({ edges: ["edge-1", "edge-2"] });
    expect(desk.changed).toEqual([]);
  });
});

describe("bad requests", () => {
  test.each<[string, object, RegExp]>([
    ["no change", {}, /^change: got none/],
    ["no kind", { case: "act", value: { target: "edge-1" } }, /^act\.kind: got 0/],
    [
      "a prefix of what is not flushed",
      { case: "act", value: { kind: ActionKind.DRAIN, target: "edge-1", prefix: "/" } },
      /^act\.prefix: got one with drain, expected flush/,
    ],
    [
      "a channel of what is not primed",
      { case: "act", value: { kind: ActionKind.FLUSH, target: "edge-1", channel: "c" } },
      /^act\.channel: got one with flush, expected prime/,
    ],
    [
      "a number that is too large",
      { case: "approve", value: { incident: 2n ** 60n } },
      /^incident: /,
    ],
    ["a time that is too long", { case: "pause", value: { forMs: 2n ** 60n } }, /^for_ms: got/],
  ])("%s", async (_, change, message) => {
    const { clientOf } = await openApi();
    const client = await clientOf("operator");
    const request = { change: "case" in change ? { change: change as never } : {} };
    await expect(client.plan(request)).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringMatching(message),
    });
  });
});

test("the desk from afar is the desk", async () => {
  const { desk, clientOf } = await openApi();
  desk.seen.push({
    object: "edge-1",
    check: "latency",
    state: "warning",
    output: "3 s",
    value: 3_000,
    unit: "ms",
    warning: 2_500,
    critical: 5_000,
    suppressed: "in downtime",
    hard: true,
    attempt: 1,
    maxAttempts: 3,
    sinceUnixNano: 1n,
    lastCheckedUnixNano: 2n,
  });
  desk.hindrance = "the journal is full";
  const id = desk.openIncident("edge-1", "edge-1: late");
  for (const change of [
    { kind: "pause", forMs: 60_000 },
    { kind: "maintain", target: "edge-1", forMs: undefined },
    { kind: "act", action: { kind: "prime", target: "edge-1", channel: "cam-0001" } },
  ] as const) {
    const plan = await desk.plan(change, ANNA);
    await desk.apply("hash" in plan ? plan.hash : "", ANNA);
  }
  await desk.stop(ANNA);
  const far = await remoteDesk(await clientOf("operator"));
  expect(far.inventory()).toMatchObject({ ...desk.inventory() });
  expect(far.observations()).toEqual(desk.observations());
  expect(far.impediment()).toBe("the journal is full");
  expect(await far.orders()).toEqual(await desk.orders());
  expect(await far.incidents(10, false)).toEqual(await desk.incidents(10, false));
  expect(await far.incidents(10, true)).toEqual(await desk.incidents(10, true));
  expect(await far.story(id)).toEqual(await desk.story(id));
  expect(await far.story(99)).toBeUndefined();
  expect(await far.audit(0, 10)).toEqual(await desk.audit(0, 10));
  expect(await far.audit(2, 1)).toEqual(await desk.audit(2, 1));
  expect(await far.apply("f".repeat(64), ANNA)).toMatchObject({ because: "no_such_plan" });
});

test("all deployments are told in pages by their names, without their descriptions", async () => {
  const { desk, clientOf } = await openApi();
  const client = await clientOf("operator");
  const count = 1_003;
  for (let at = count; at > 0; at--)
    desk.deployed.push({
      ...newDeployment(`quay-${String(at).padStart(4, "0")}`),
      description: "channel: ...",
      steps: [],
      vni: 0,
      subnets: [],
      edges: [],
    });
  const first = await client.listDeployments({});
  expect(first).toMatchObject({ hasMore: true });
  expect(first.deployments).toHaveLength(1_000);
  const [one, ...more] = (await client.listDeployments({ after: "quay-0007", limit: 1 }))
    .deployments;
  expect(more).toEqual([]);
  expect(one).toMatchObject({ channel: "quay-0008", description: "" });
  const far = await (await remoteDesk(client)).deployments();
  expect(far.map(({ channel }) => channel)).toEqual(
    desk.deployed.map(({ channel }) => channel).toSorted(),
  );
});
