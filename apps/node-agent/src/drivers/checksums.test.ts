/** Checksum offload of the kernel's own interfaces. */
import { afterEach, beforeEach, expect, test } from "vitest";

import { checksumsOff } from "./checksums.ts";
import type { Machine, Underlay } from "@glassline/bench/namespaces/testing";
import { describeWithNamespaces, startUnderlay } from "@glassline/bench/namespaces/testing";
import { networkPrograms } from "./network-programs.ts";

let underlay: Underlay;
let machine: Machine;

beforeEach(async () => {
  underlay = await startUnderlay(1);
  machine = underlay.machines[0]!;
  for (const name of ["vx1", "vx2"])
    await machine.ip(`link add ${name} type vxlan id ${name.at(-1)!} dstport 4789`);
});
afterEach(() => underlay?.[Symbol.asyncDispose]());

const offloads = async (name: string) =>
  /tx-checksum-ip-generic: (\w+)/.exec(await machine.run("ethtool", "-k", name))![1];

describeWithNamespaces()("checksum offload", { timeout: 60_000 }, () => {
  test("is turned off by one process, and what fails is named", async () => {
    expect(await offloads("vx1")).toBe("on");
    const programs = networkPrograms(machine.namespace);
    expect(await programs.checksumsOff(["vx1", "gone", "vx2"])).toEqual(
      new Map([["gone", "checksum offload of gone: No such device"]]),
    );
    for (const name of ["vx1", "vx2"]) expect(await offloads(name)).toBe("off");
  });

  test("is turned off by ethtool where there is no Perl", async () => {
    const asked: string[] = [];
    const run = async (program: string, words: readonly string[]) => {
      if (program === "perl") return undefined;
      asked.push(program);
      return machine.run(program, ...words);
    };
    const problems = await checksumsOff(["vx1", "gone"], run);
    expect([...problems!.keys()]).toEqual(["gone"]);
    expect(asked).toEqual(["ethtool", "ethtool"]);
    expect(await offloads("vx1")).toBe("off");
    expect(await checksumsOff(["vx1"], () => Promise.resolve(undefined))).toBeUndefined();
  });
});
