/** What Apple's `container` is asked for edges, and what is made of its answers: it is played by a fake. */
import { readdir } from "node:fs/promises";
import { delimiter, join } from "node:path";

import { create } from "@bufbuild/protobuf";
import type { EdgeSpec } from "@glassline/proto/node";
import { EdgeSpecSchema } from "@glassline/proto/node";
import { systemClock } from "@glassline/service/clock";
import { ensureDevelopmentPki } from "@glassline/service/pki";
import { afterEach, beforeEach, expect, test } from "vitest";

import type { FakeContainer } from "./apple-container.testing.ts";
import { fakeContainer } from "./apple-container.testing.ts";
import { appleDriver } from "./apple-driver.ts";
import type { Driver } from "./driver.ts";
import { EdgeFiles } from "./edge-files.ts";
import { output } from "./programs.ts";

const INSTANCE = "11111111-2222-3333-4444-555555555555";
const ID = "glassline-edge-1.11111111";

let container: FakeContainer;
let driver: Driver;
const { PATH: path, NODE_EXTRA_CA_CERTS: trusted } = process.env;

beforeEach(async () => {
  container = await fakeContainer();
  const { folder } = container;
  process.env["PATH"] = `${folder}${delimiter}${path}`;
  delete process.env["NODE_EXTRA_CA_CERTS"];
  const pkiDir = join(folder, "pki");
  await ensureDevelopmentPki(pkiDir, []);
  const files = new EdgeFiles({
    program: "main.ts",
    dataDir: join(folder, "data"),
    pkiDir,
    logLevel: "info",
    drainMs: 2_000,
    adminToken: "secret",
    viewerPairPath: join(folder, "data", "viewers", "pair.pem"),
  });
  driver = appleDriver({ files, mark: "mark-1", clock: systemClock });
});
afterEach(async () => {
  process.env["PATH"] = path;
  if (trusted !== undefined) process.env["NODE_EXTRA_CA_CERTS"] = trusted;
  await driver[Symbol.asyncDispose]();
  await container[Symbol.asyncDispose]();
});

const specOf = (more: object = {}, container: object = {}): EdgeSpec =>
  create(EdgeSpecSchema, {
    name: "edge-1",
    machine: "machine-1",
    port: 7_471,
    grpcPort: 7_481,
    adminPort: 7_491,
    publicUrl: "http://mac.example.net:7471",
    originUrl: "https://192.0.2.9:7450",
    host: "192.0.2.1",
    container: { driver: 4, image: "glassline/edge-cache:1", ...container },
    ...more,
  });

test("a container gets ports, limits, labels and the edge's folder, and nothing else of the Mac", async () => {
  const spec = specOf(
    { clusterPort: 7_466, clusterHost: "10.77.0.1" },
    { memoryMaxBytes: 536_870_912n, cpuMillis: 2_000 },
  );
  const running = await driver.start(spec, INSTANCE, () => {});
  expect(running).toEqual({ processId: 0, containerId: ID });
  const [run] = await container.calls("run");
  const own = join(container.folder, "data", "edges", "edge-1");
  const at = run!.indexOf("glassline/edge-cache:1");
  expect(run!.slice(0, at)).toEqual([
    "run",
    "--detach",
    "--name",
    ID,
    "--label",
    "glassline.agent=mark-1",
    "--label",
    "glassline.edge=edge-1",
    "--label",
    `glassline.instance=${INSTANCE}`,
    "--memory",
    "512M",
    "--cpus",
    "2",
    "--env",
    "GLASSLINE_EDGE_CACHE_ADMIN_TOKEN",
    "--publish",
    "192.0.2.1:7471:7471",
    "--publish",
    "192.0.2.1:7481:7481",
    "--publish",
    "192.0.2.1:7491:7491",
    "--publish",
    "10.77.0.1:7466:7466",
    "--volume",
    `${own}:${own}`,
    "--read-only",
    "--tmpfs",
    "/tmp",
  ]);
  expect(run!.slice(at + 1)).toEqual(
    expect.arrayContaining(["--host=0.0.0.0", `--pki-dir=${own}/pki`, "--allowed-host=192.0.2.1"]),
  );
  // The command line can be read by everybody on the Mac.
  expect(await container.environments()).toEqual([{ GLASSLINE_EDGE_CACHE_ADMIN_TOKEN: "secret" }]);
  expect((await readdir(join(own, "pki"))).toSorted()).toEqual([
    "ca.pem",
    "edge-cache.edge-1.key",
    "edge-cache.edge-1.pem",
  ]);
});

test("viewers' certificate is in a folder of its own, further authorities in the edge's", async () => {
  const { folder } = container;
  process.env["NODE_EXTRA_CA_CERTS"] = join(folder, "pki", "ca.pem");
  const publicUrl = "https://mac.example.net:7471";
  await driver.start(specOf({ viewerTls: true, publicUrl }), INSTANCE, () => {});
  delete process.env["NODE_EXTRA_CA_CERTS"];
  const [run] = await container.calls("run");
  const [viewers, own] = ["viewers", "edges/edge-1"].map((name) => join(folder, "data", name));
  const at = run!.indexOf("--mount");
  expect(run!.slice(at, at + 4)).toEqual([
    "--mount",
    `type=bind,source=${viewers},target=${viewers},readonly`,
    "--volume",
    `${own}:${own}`,
  ]);
  expect(run).toContain(`--tls-key=${viewers}/pair.pem`);
  const [environment] = await container.environments();
  expect(environment).toMatchObject({ NODE_EXTRA_CA_CERTS: `${own}/authorities.pem` });
  expect(await readdir(own!)).toContain("authorities.pem");
});

for (const shape of ["old", "young"] as const)
  test(`it is taken over, asked, stopped and removed, when answers have the ${shape} form`, async () => {
    if (shape === "young") await container.play("young");
    const spec = specOf();
    await driver.start(spec, INSTANCE, () => {});
    const started = { processId: 0, instanceId: INSTANCE, spec };
    expect(await driver.adopt(started, () => {})).toEqual({ processId: 0, containerId: ID });
    expect(await driver.adopt({ ...started, instanceId: "9" }, () => {})).toBeUndefined();
    expect(await driver.usage(started)).toEqual({ memoryBytes: 64_000_000, cpuMs: 1_500 });
    expect(await driver.lastLines("edge-1", 7)).toEqual(["first line", "last line"]);
    expect(await container.calls("logs")).toEqual([["logs", "-n", "7", ID]]);
    await driver.stop(started, 2_500);
    expect(await container.calls("stop")).toEqual([["stop", "--time", "3", ID]]);
    expect(await container.calls("rm")).toEqual([["rm", "--force", ID]]);
    // What it wrote is kept.
    expect(await driver.lastLines("edge-1", 1)).toEqual(["last line"]);
  });

test("one that does not stop is killed, and what is left over is removed", async () => {
  const spec = specOf();
  await driver.start(spec, INSTANCE, () => {});
  await container.play("stuck");
  await driver.stop({ processId: 0, instanceId: INSTANCE, spec }, 100);
  expect(await container.calls("kill")).toEqual([["kill", ID]]);
  await driver.start(spec, INSTANCE, () => {});
  expect(await driver.sweep((edge) => edge === "edge-1")).toEqual([]);
  expect(await driver.sweep(() => false)).toEqual([ID]);
});

test("one that somebody else stops is left to its drain, and removed when it has stopped", async () => {
  const ended = Promise.withResolvers<string>();
  await driver.start(specOf(), INSTANCE, ended.resolve);
  await container.play("slow");
  const stopped = output(container.cli, ["stop", ID]);
  // Longer than from one look to the next.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect(await container.calls("rm")).toEqual([]);
  await stopped;
  expect(await ended.promise).toBe("it is stopped");
  expect(await container.calls("rm")).toEqual([["rm", "--force", ID]]);
});

test("an end is told, also when it cannot be asked for a while, as after a start of the Mac", async () => {
  const ended = Promise.withResolvers<string>();
  await driver.start(specOf(), INSTANCE, ended.resolve);
  await container.play("away");
  expect(await driver.refusal()).toBe("container: Error: the apiserver is not running");
  await container.forget();
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await container.playNoMore("away");
  expect(await ended.promise).toBe("it is not there any more");
  expect(await driver.refusal()).toBeUndefined();
});

test("what a virtual machine cannot be limited to is refused", async () => {
  const start = (container: object) => driver.start(specOf({}, container), INSTANCE, () => {});
  await expect(start({ cpuMillis: 500 })).rejects.toThrow(/cpu_millis: got 500/);
  await expect(start({ tasksMax: 5 })).rejects.toThrow(/tasks_max: got 5/);
  await expect(start({ image: "" })).rejects.toThrow(/image: got none/);
  expect(await container.calls("run")).toEqual([]);
});
