import { create } from "@bufbuild/protobuf";
import { simulatedClock } from "@glassline/service/clock/testing";
import { SegmentSchema } from "@glassline/proto/node";
import { createLogger } from "@glassline/service/logger";
import { expect, test } from "vitest";

import type { Look } from "./machines.ts";
import type { Deployment } from "./stores/deployments.ts";
import { newDeployment } from "./stores/deployments.ts";
import { scratch } from "./stores/store.testing.ts";
import { VniKeeping } from "./vni-keeping.ts";
import { openVnis } from "./vnis/open-vnis.ts";

const logger = createLogger("opsbot", "silent");
const FILE = { postgres: "", postgresCa: "", tenants: "" };
const wish = (owner: string) => ({ owner, tenant: "default", ipv4: false });

function lookOf(tunnels: Look["tunnels"], away: Look["away"] = new Map()): Look {
  const machines = ["machine-1", "machine-2"].map((name) => [name, { name }] as const);
  return {
    machines: new Map(machines) as unknown as Look["machines"],
    edges: [],
    segments: [],
    tunnels,
    away,
  };
}

test("a VNI is free again when its machines are without it, found when others have it, and released when nobody wishes it", async () => {
  const clock = simulatedClock();
  await using vnis = await openVnis({ ...FILE, dataDir: scratch() }, { clock, logger });
  let look = lookOf([]);
  const channel = newDeployment("harbour");
  let all: Deployment[] = [{ ...channel, kept: { ...channel.kept, owners: ["harbour:"] } }];
  const keeping = new VniKeeping({
    vnis,
    machines: { look: async () => look },
    deployments: { all: async () => all },
    configured: [],
    clock,
    logger,
  });
  const { vni } = await vnis.allocate(wish("harbour:"));
  const on = (machine: string, isOwn = true) => ({ machine, vni, isOwn });

  look = lookOf([on("machine-1"), on("machine-2")]);
  await keeping.keep();
  expect(await vnis.of("harbour:")).toMatchObject({ vni });

  await vnis.release("harbour:", ["machine-1", "machine-2"]);
  all = [];
  look = lookOf([on("machine-2")]);
  await keeping.keep();
  expect(await vnis.quarantined({ after: 0, limit: 10 })).toMatchObject([
    { vni, nodes: ["machine-2"] },
  ]);
  look = lookOf([]);
  await keeping.keep();
  expect(await vnis.quarantined({ after: 0, limit: 10 })).toEqual([]);

  const leak = await vnis.allocate(wish("quay:"));
  await keeping.keep();
  expect(await vnis.of("quay:")).toBeUndefined();

  look = lookOf([{ machine: "machine-1", vni: 4_711, isOwn: false }]);
  await keeping.keep();
  expect(await vnis.of("foreign/4711")).toMatchObject({ vni: 4_711 });
  all = [{ ...channel, kept: { ...channel.kept, owners: ["pier:"] } }];
  const pier = await vnis.allocate(wish("pier:"));
  expect(pier.vni).not.toBe(4_711);
  look = lookOf([{ machine: "machine-1", vni: pier.vni, isOwn: false }]);
  await keeping.keep();
  expect(keeping.conflicts).toEqual([
    expect.stringContaining(`VNI ${pier.vni}, which belongs to pier:`),
  ]);
  expect(leak.vni).toBeGreaterThan(0);
});

test("what others have on a machine stays theirs while its node-agent does not answer", async () => {
  const clock = simulatedClock();
  await using vnis = await openVnis({ ...FILE, dataDir: scratch() }, { clock, logger });
  let look = lookOf([{ machine: "machine-2", vni: 1, isOwn: false }]);
  const keeping = new VniKeeping({
    vnis,
    machines: { look: async () => look },
    deployments: { all: async () => [] },
    configured: [],
    clock,
    logger,
  });
  await keeping.keep();
  look = lookOf([], new Map([["agent-2", "it does not answer"]]));
  await keeping.keep();
  expect(await vnis.of("foreign/1")).toMatchObject({ vni: 1 });
  expect((await vnis.allocate(wish("harbour:"))).vni).not.toBe(1);

  look = lookOf([]);
  await keeping.keep();
  expect(await vnis.of("foreign/1")).toBeUndefined();
});

test("a configured overlay has its VNI before a machine has it, and the one of a segment that was opened for it", async () => {
  const clock = simulatedClock();
  await using vnis = await openVnis({ ...FILE, dataDir: scratch() }, { clock, logger });
  const configured = [create(SegmentSchema, { name: "overlay-a", machine: "machine-1", vni: 1 })];
  let look = lookOf([]);
  const keeping = new VniKeeping({
    vnis,
    machines: { look: async () => look },
    deployments: { all: async () => [] },
    configured,
    clock,
    logger,
  });
  await keeping.keep();
  expect(await vnis.of("overlay/overlay-a/1")).toMatchObject({ vni: 1 });
  const { vni } = await vnis.allocate(wish("opened/overlay-a/2"));
  expect(vni).not.toBe(1);
  const segment = create(SegmentSchema, { name: "overlay-a", machine: "machine-1", vni });
  look = {
    ...lookOf([{ machine: "machine-1", vni, isOwn: true }]),
    segments: [{ segment }] as unknown as Look["segments"],
  };
  await keeping.keep();
  expect(keeping.conflicts).toEqual([]);
  expect(await vnis.of("opened/overlay-a/2")).toMatchObject({ vni });
});

test("a segment of a channel's name is the channel's only with a VNI that was given to it", async () => {
  const clock = simulatedClock();
  await using vnis = await openVnis({ ...FILE, dataDir: scratch() }, { clock, logger });
  const channel = newDeployment("harbour");
  const all: Deployment[] = [{ ...channel, kept: { ...channel.kept, owners: ["harbour:"] } }];
  const quay = newDeployment("quay");
  all.push({ ...quay, kept: { ...quay.kept, owners: ["quay:"] } });
  let look = lookOf([]);
  const keeping = new VniKeeping({
    vnis,
    machines: { look: async () => look },
    deployments: { all: async () => all },
    configured: [],
    clock,
    logger,
  });
  const backWith = (...some: number[]): Look => ({
    ...lookOf(some.map((vni) => ({ machine: "machine-1", vni, isOwn: true }))),
    segments: [
      {
        segment: create(SegmentSchema, {
          name: "harbour",
          machine: "machine-1",
          vni: some[0]!,
          stitches: some.slice(1).map((vni) => ({ vni })),
        }),
      },
    ] as unknown as Look["segments"],
  });
  // It had this one before it burnt, and was taken for gone.
  const formerly = await vnis.allocate(wish("quay:"));
  const own = await vnis.allocate(wish("harbour:"));
  look = backWith(own.vni);
  await keeping.keep();
  expect(keeping.conflicts).toEqual([]);
  look = backWith(formerly.vni);
  await keeping.keep();
  const conflict = expect.stringContaining(`VNI ${formerly.vni}, which belongs to quay:`);
  expect(keeping.conflicts).toEqual([conflict]);
  look = backWith(own.vni, formerly.vni);
  await keeping.keep();
  expect(keeping.conflicts).toEqual([conflict]);

  look = backWith(4_711);
  await keeping.keep();
  expect(keeping.conflicts).toEqual([]);
  expect(await vnis.of("overlay/harbour/4711")).toMatchObject({ vni: 4_711 });
});
