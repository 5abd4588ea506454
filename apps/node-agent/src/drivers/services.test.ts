/** Addresses of services that come and go, on real VXLAN. */
import { create } from "@bufbuild/protobuf";
import { SegmentSchema } from "@glassline/proto/node";
import { afterEach, beforeEach, expect, test } from "vitest";

import type { Machine, Underlay } from "@glassline/bench/namespaces/testing";
import { describeWithNamespaces, startUnderlay } from "@glassline/bench/namespaces/testing";
import { segmentOf } from "./segment.testing.ts";
import { apply, driverOf } from "./vxlan.testing.ts";

let underlay: Underlay;
let all: readonly Machine[];
let one: Machine;
let two: Machine;
let three: Machine;

beforeEach(async () => {
  underlay = await startUnderlay(3);
  all = underlay.machines;
  [one, two, three] = all as [Machine, Machine, Machine];
});
afterEach(() => underlay?.[Symbol.asyncDispose]());

const withServices = (machine: Machine, ...serviceAddresses: string[]) =>
  create(SegmentSchema, { ...segmentOf(machine, all), serviceAddresses });

const wish6 = (machine: Machine, ...serviceAddresses: string[]) => {
  const number = (of: Machine) => of.underlay.at(-1)!;
  return create(SegmentSchema, {
    ...segmentOf(machine, all),
    address: `fd77::${number(machine)}/64`,
    serviceAddresses,
    peers: segmentOf(machine, all).peers.map((peer) => ({
      ...peer,
      address: `fd77::${peer.underlayAddress.at(-1)!}`,
    })),
  });
};

/** Whose MAC address a machine has for another address. */
const neighbour = async (machine: Machine, address: string) =>
  /lladdr (\S+)/.exec(await machine.ip(`neighbour show ${address} dev gl70000`))?.[1];

describeWithNamespaces()("addresses of services", { timeout: 60_000 }, () => {
  test.each([
    ["IPv4", withServices, "10.77.0.100/24", "02:47:0a:4d:00:0"],
    ["IPv6", wish6, "fd77::100/64", "02:47:00:00:00:0"],
  ] as const)("move, and everybody hears of it at once: %s", async (_, wish, service, mac) => {
    const address = service.split("/")[0]!;
    const drivers = all.map((machine) => driverOf(machine));
    const [first, second, third] = drivers as [
      (typeof drivers)[0],
      (typeof drivers)[0],
      (typeof drivers)[0],
    ];
    await apply(first, wish(one, service));
    await apply(second, wish(two));
    await apply(third, wish(three));
    expect(await three.reaches(address)).toBe(true);
    expect(await neighbour(three, address)).toBe(`${mac}1`);
    // It comes before it goes: nobody is without an answer.
    expect((await apply(second, wish(two, service))).segments[0]).toMatchObject({ problem: "" });
    expect(await neighbour(three, address)).toBe(`${mac}2`);
    await apply(first, wish(one));
    expect(await one.ip("address show dev gl70000")).not.toContain(address);
    expect(await three.reaches(address)).toBe(true);
    for (const [at, machine] of [one, two].entries())
      expect(
        await apply(drivers[at]!, wish(machine, ...(at === 1 ? [service] : []))),
      ).toMatchObject({
        changes: 0,
      });
  });

  test("what a machine begins itself comes from its own address", async () => {
    const services = ["10.77.0.100/24", "10.77.0.101/32"];
    await apply(driverOf(one), withServices(one, ...services));
    expect(await one.ip("route get 10.77.0.2")).toContain("src 10.77.0.1 ");
    await one.ip("address delete 10.77.0.1/24 dev gl70000");
    await apply(driverOf(one), withServices(one, ...services));
    expect(await one.ip("route get 10.77.0.2")).toContain("src 10.77.0.1 ");
    await apply(driverOf(two), wish6(two, "fd77::3000/64"));
    expect(await two.ip("route get fd77::3001")).toContain("src fd77::2 ");
  });

  test("further addresses behind a peer have entries of their own", async () => {
    const segment = segmentOf(one, [one, two]);
    segment.peers[0]!.also = ["10.77.0.40", "10.77.0.41"];
    const driver = driverOf(one);
    await apply(driver, segment);
    const entries = await one.bridge("fdb show dev glx70000");
    for (const mac of ["02:47:0a:4d:00:28", "02:47:0a:4d:00:29"])
      expect(entries).toContain(`${mac} dst ${two.underlay} self static`);
    expect(await apply(driver, segment)).toMatchObject({ changes: 0 });
    segment.peers[0]!.also = [];
    await apply(driver, segment);
    expect(await one.bridge("fdb show dev glx70000")).not.toContain("02:47:0a:4d:00:28");
  });

  test("tunnels of others are told", async () => {
    await one.ip("link add vx9 type vxlan id 9 dstport 4789");
    const driver = driverOf(one);
    await apply(driver, segmentOf(one, all));
    const found = [{ vni: 9, interface: "vx9" }];
    expect(await driver.foreignTunnels()).toEqual(found);
    expect(await apply(driver, segmentOf(one, all))).toMatchObject({ foreignTunnels: found });
    const young = driverOf(one, {}, { isMarked: () => false });
    expect(await young.foreignTunnels()).toHaveLength(2);
  });
});
