/** Its commands, as a fake of Apple's `container` records them; what runs in its VM is real, in a network namespace. */
import { createLogger } from "@glassline/service/logger";
import { afterEach, beforeEach, expect, test } from "vitest";

import type { FakeContainer } from "./apple-container.testing.ts";
import { fakeContainer } from "./apple-container.testing.ts";
import { appleOverlayDriver, lacksAppleContainer } from "./apple-overlay-driver.ts";
import type { Machine, Underlay } from "@glassline/bench/namespaces/testing";
import { describeWithNamespaces, startUnderlay } from "@glassline/bench/namespaces/testing";
import { segmentOf } from "./segment.testing.ts";
import { MARK, apply, driverOf } from "./vxlan.testing.ts";

const NAME = "glassline-overlay-00004d";

let underlay: Underlay;
let container: FakeContainer;

beforeEach(async () => {
  underlay = await startUnderlay(2);
  container = await fakeContainer(underlay.machines[0]!.namespace);
});
afterEach(async () => {
  await underlay?.[Symbol.asyncDispose]();
  await container?.[Symbol.asyncDispose]();
});

const driver = () =>
  appleOverlayDriver({
    cli: container.cli,
    image: "glassline/overlay:1",
    network: "lan",
    mark: () => MARK,
    isMarked: () => true,
    port: 4_789,
    logger: createLogger("test", "silent"),
  });

describeWithNamespaces()("segments in the VM of a Mac's container", { timeout: 120_000 }, () => {
  test("are made by the programs of its Linux, once it has shown that it can VXLAN", async () => {
    const [one, two] = underlay.machines as [Machine, Machine];
    const segment = segmentOf(one, [one, two]);
    const mac = driver();
    expect((await apply(mac, segment)).segments).toMatchObject([{ isUp: true, problem: "" }]);
    await apply(driverOf(two), segmentOf(two, [one, two]));
    expect(await two.reaches("10.77.0.1")).toBe(true);
    const calls = await container.calls();
    const run = `run --name ${NAME} --detach --init --cap-add NET_ADMIN --network lan glassline/overlay:1 sleep infinity`;
    expect(calls.slice(0, 5).map((words) => words.join(" "))).toEqual([
      `inspect ${NAME}`,
      `delete --force ${NAME}`,
      run,
      `exec --interactive ${NAME} ip -json -force -batch -`,
      `exec ${NAME} ethtool -K eth0 tso off`,
    ]);
    expect(calls.slice(5).every(([verb]) => verb === "exec")).toBe(true);
    // Nothing to change: it only looks.
    expect(await apply(mac, segment)).toMatchObject({ changes: 0 });
    // After a reboot it starts it again.
    await container.stop();
    await apply(mac, segment);
    expect(await container.calls("run")).toHaveLength(2);
    // In the new VM nothing is settled yet.
    const settling = await container.calls("exec");
    expect(settling.filter((words) => words.includes("-MSocket"))).toHaveLength(2);
    await apply(mac);
    expect((await container.calls()).at(-1)).toEqual(["delete", "--force", NAME]);
    expect(await apply(mac)).toMatchObject({ changes: 0 });
  });

  test("are refused where it does not run, and fail with what it says", async () => {
    const image = "glassline/overlay:1";
    expect(await lacksAppleContainer(container.cli, image, 4_789)).toBeUndefined();
    expect((await container.calls()).map((words) => words.join(" "))).toEqual([
      "system status",
      `run --rm --cap-add NET_ADMIN ${image} ip link add name glprobe type vxlan id 1 dstport 4789`,
    ]);
    for (const lacking of [
      await lacksAppleContainer("/nonexistent/container", image, 4_789),
      // No VNI is made at a port that there is not.
      await lacksAppleContainer(container.cli, image, 99_999),
    ])
      expect(lacking).toContain(`expected Apple's "container" to run, and VXLAN in its kernel`);
    const [one] = underlay.machines as [Machine];
    await one.ip("link add glprobe type bridge");
    await expect(apply(driver(), segmentOf(one, [one]))).rejects.toThrow(
      `VXLAN in the VM of ${NAME}: got "RTNETLINK answers: File exists", expected it in its kernel`,
    );
  });
});
