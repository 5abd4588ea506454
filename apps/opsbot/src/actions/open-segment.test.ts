import { create, toJsonString } from "@bufbuild/protobuf";
import type { SetDesiredStateRequest } from "@glassline/proto/node";
import { SegmentSchema, SetDesiredStateRequestSchema } from "@glassline/proto/node";
import { simulatedClock } from "@glassline/service/clock/testing";
import { createLogger } from "@glassline/service/logger";
import { expect, test } from "vitest";

import type { Network } from "../network.ts";
import type { Intent } from "../stores/intents.ts";
import { openFile, scratch } from "../stores/store.testing.ts";
import { openVnis } from "../vnis/open-vnis.ts";
import { readDesired } from "./desired-state.ts";
import { openSegment } from "./edge-effects.ts";
import type { EffectDeps } from "./effects.ts";

const OVERLAY = "overlay-a";
const ACTION = { kind: "open-segment", target: OVERLAY } as const;
const ASKED = { object: OVERLAY, check: "request", title: "asked for" };
const logger = createLogger("opsbot", "silent");

test("an opened segment has a VNI that nobody else has, and its predecessor's is freed when machines are without it", async () => {
  const clock = simulatedClock();
  await using led = await openFile(scratch(), () => clock.nowUnixNano());
  const settings = { dataDir: scratch(), postgres: "", postgresCa: "", tenants: "" };
  await using vnis = await openVnis(settings, { clock, logger });
  const { journal } = led;
  const segments = ["machine-1", "machine-2"].map((machine) =>
    create(SegmentSchema, { name: OVERLAY, machine, vni: 1 }),
  );
  const told: SetDesiredStateRequest[] = [];
  const agent = {
    getStatus: async () => ({ machines: ["machine-1", "machine-2"] }),
    setDesiredState: async (request: SetDesiredStateRequest) => void told.push(request),
  };
  const agents = new Map([["agent", agent]]) as unknown as Network["agents"];
  const json = toJsonString(
    SetDesiredStateRequestSchema,
    create(SetDesiredStateRequestSchema, { segments }),
  );
  const deps = {
    desired: readDesired(json, { agents }, journal),
    deployer: { parts: { vnis, journal } },
    clock,
    fencingToken: led.fencingToken,
    isHeld: async () => false,
    signal: new AbortController().signal,
  } as unknown as EffectDeps;
  const owners = ["overlay/overlay-a/1", "harbour:", "opened/overlay-a/2", "opened/overlay-a/3"];
  const seen = [{ node: "machine-1", vni: 1, owner: owners[0]! }];
  await vnis.reconcile(seen, async () => ({ has: () => true }));
  const harbour = await vnis.allocate({ owner: owners[1]!, tenant: "default", ipv4: false });
  const incident = await journal.transact((records) => records.openIncident(ASKED, "asked"));
  const intend = (actions: number) =>
    journal.transact(async (records) => {
      return (await records.intend({ ...incident, actions }, ACTION, "")) as Intent & {
        action: typeof ACTION;
      };
    });

  const first = await intend(0);
  await openSegment(first, deps);
  // A life of OpsBot that ended just before its result was written.
  await openSegment(first, deps);
  await openSegment(await intend(1), deps);
  await openSegment(first, deps);

  const vniOf = async (owner: string) => (await vnis.of(owner))?.vni;
  const third = await vniOf(owners[3]!);
  expect(new Set([1, harbour.vni, third]).size).toBe(3);
  expect(told.at(-1)!.segments.map(({ vni }) => vni)).toEqual([third, third]);
  expect(await vniOf(owners[0]!)).toBe(1);
  const [freed] = await vnis.quarantined({ after: 0, limit: 10 });
  expect(freed).toMatchObject({ formerOwner: owners[2], nodes: ["machine-1", "machine-2"] });
});
