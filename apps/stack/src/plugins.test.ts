/** Check plugins as Icinga and Nagios run them, against real services: what they print, and how they end. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";

import type { Implementation } from "@glassline/proto/rpc";
import { addService } from "@glassline/proto/rpc";
import { MeshAdminService } from "@glassline/proto/mesh";
import { closeGrpc, listenGrpc } from "@glassline/service/grpc";
import { mutualTlsServer } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { CheckedNetwork } from "./testing/checked-network.ts";
import { openCheckedNetwork } from "./testing/checked-network.ts";
import { PLUGIN_MAIN, runCheck } from "./testing/plugins.ts";
import { testWith } from "./testing/requirements.ts";
import { eventually } from "./testing/testbed.ts";

let network: CheckedNetwork;
beforeAll(async () => {
  network = await openCheckedNetwork();
}, 90_000);
afterAll(() => network[Symbol.asyncDispose]());

const pki = () => ["--pki-dir", network.pkiDir];
const edge = () => ["-p", `${network.edge.addresses.grpcPort}`, "--name", "edge-1", ...pki()];
const edgeUrl = () => ["-u", `http://localhost:${network.edge.addresses.adminPort}`];
const originPort = () => ["--origin-port", `${network.origin.addresses.grpcPort}`];
const collector = () => ["-p", `${network.collector.addresses.port}`, ...pki()];
const gateway = () => ["-p", `${network.gateway.addresses.port}`, ...pki()];

/** A check whose state is the expected one, within the time that services need to hear of each other. */
const eventuallyEnds = (exitCode: number, words: readonly string[]) =>
  eventually(
    `${words[0]} ends with ${exitCode}`,
    async () => {
      const result = await runCheck(words);
      if (result.exitCode === exitCode) return result;
      throw new Error(result.output);
    },
    90_000,
  );

/** Takes connections, and says nothing. */
async function openSilence() {
  const server = createServer(() => {}).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.dispose]: () => server.close(),
  };
}

describe("a check of a service that is well", { timeout: 120_000 }, () => {
  test("edge: by gRPC and by HTTP", async () => {
    for (const words of [edge(), edgeUrl()]) {
      const { exitCode, line, performance, more } = await runCheck(["edge", ...words]);
      expect({ exitCode, line, more }).toEqual({
        exitCode: 0,
        line: expect.stringMatching(/^EDGE OK: \d+ viewers?, \d+ objects?$/) as string,
        more: [],
      });
      expect(performance["viewers"]).toMatchObject({ unit: "", bounds: ["", "", "0"] });
    }
  });

  test("origin: tells its channels, and misses the one that it must have", async () => {
    const origin = ["origin", "-p", `${network.origin.addresses.grpcPort}`, ...pki()];
    const well = await runCheck([...origin, "--channel", "cam-0001", "-c", "1:"]);
    expect(well.line).toBe("ORIGIN OK: 1 channel");
    expect(well.performance["channels"]).toEqual({ value: 1, unit: "", bounds: ["", "1:", "0"] });
    const missing = await runCheck([...origin, "--channel", "cam-0002"]);
    expect(missing.exitCode).toBe(2);
    expect(missing.line).toBe("ORIGIN CRITICAL: there is no channel cam-0002");
  });

  test("freshness and latency: through the edge, as a viewer", async () => {
    const words = [...edge(), ...originPort()];
    const fresh = await eventuallyEnds(0, ["freshness", ...words]);
    expect(fresh.line).toBe("FRESHNESS OK: 1 channel up to date");
    expect(fresh.performance).toMatchObject({
      behind: { bounds: ["2", "3", "0"] },
      "behind_cam-0001": {},
    });
    const late = await eventuallyEnds(0, ["latency", ...words, "--channel", "cam-0001", "-v"]);
    expect(late.line).toMatch(/^LATENCY OK: cam-0001: the newest frame is [\d.]+ s old$/);
    expect(late.performance["latency"]).toMatchObject({ unit: "ms" });
    expect(late.more).toHaveLength(1);
    const strict = await runCheck([
      "latency",
      "--via",
      network.edgeUrl,
      "--origin-url",
      `http://localhost:${network.origin.addresses.adminPort}`,
      "-w",
      "0",
      "-c",
      "1:",
    ]);
    expect(strict.exitCode).toBe(1);
  });

  test("hit-rate: with few viewers it is not judged, and with thresholds it is", async () => {
    const few = await runCheck(["hit-rate", ...edge()]);
    expect(few.line).toMatch(/^HIT-RATE OK: \d+ viewers?: too few to judge$/);
    for (let viewer = 0; viewer < 5; viewer++)
      await fetch(`${network.edgeUrl}/live/cam-0001/index.m3u8`);
    const judged = await eventuallyEnds(1, [
      "hit-rate",
      ...edge(),
      "--least-viewers",
      "0",
      "-w",
      "101:",
      "-c",
      "0:",
    ]);
    expect(judged.performance["hit_rate"]).toMatchObject({
      unit: "%",
      bounds: ["101:", "0:", "0", "100"],
    });
  });

  test("silence: cameras are heard; one that is gone is named", async () => {
    const heard = await eventuallyEnds(0, ["silence", ...collector()]);
    expect(heard.line).toBe("SILENCE OK: 1 camera heard, none silent");
    await network.camera[Symbol.asyncDispose]();
    const silent = await eventuallyEnds(2, ["silence", ...collector()]);
    expect(silent.line).toBe("SILENCE CRITICAL: 1 of 1 camera silent: cam-a");
    expect(silent.performance["silent_share"]).toEqual({
      value: 100,
      unit: "%",
      bounds: ["0", "10", "0", "100"],
    });
  });

  test("ingestion: what comes is stored", async () => {
    const well = await eventuallyEnds(0, ["ingestion", ...collector()]);
    expect(well.line).toMatch(/^INGESTION OK: \d+ points? stored of 1 producer$/);
    expect(well.performance["not_stored"]).toMatchObject({ bounds: ["5000", "15000", "0"] });
  });

  test("mesh-link: a link is up, and one that must be there is missed", async () => {
    const up = await eventuallyEnds(0, ["mesh-link", ...gateway(), "--link", "node-2"]);
    expect(up.line).toBe("MESH-LINK OK: 1 link up");
    expect(up.performance["rtt_node-2"]).toMatchObject({ unit: "ms" });
    const down = await runCheck(["mesh-link", ...gateway(), "--link", "node-9"]);
    expect(down.exitCode).toBe(2);
    expect(down.line).toBe("MESH-LINK CRITICAL: the link to node-9 is down");
  });

  test("link-keys: those of a link are new", async () => {
    const young = await eventuallyEnds(0, [
      "link-keys",
      ...gateway(),
      "--link",
      "node-2",
      "-c",
      "1",
    ]);
    expect(young.line).toMatch(/^LINK-KEYS OK: its keys are 0\.0 days old, by /);
    expect(young.performance["key_age"]).toMatchObject({ bounds: ["", "1", "0"] });
    const old = await runCheck(["link-keys", ...gateway(), "--link", "node-2", "-c", "1:"]);
    expect(old.exitCode).toBe(2);
    const none = await runCheck(["link-keys", ...gateway(), "--link", "node-9"]);
    expect([none.exitCode, none.line]).toEqual([3, "LINK-KEYS UNKNOWN: there is no such link"]);
  });

  testWith("ping")("network: peers answer, and packets of the MTU pass or do not", async () => {
    const well = await runCheck([
      "network",
      "--peer",
      "127.0.0.1",
      "--mtu",
      "1450",
      "--packets",
      "2",
    ]);
    expect(well.line).toBe("NETWORK OK: 1 of 1 peer answered, 1450 bytes pass");
    expect(well.performance).toMatchObject({
      "loss_127.0.0.1": { value: 0, unit: "%", bounds: ["0", "20", "0", "100"] },
      "mtu_127.0.0.1": { value: 1_450, unit: "B" },
    });
    const lost = await runCheck(["network", "--peer", "127.0.0.1", "--peer", "nowhere.invalid"]);
    expect(lost.exitCode).toBe(2);
    expect(lost.line).toMatch(/^NETWORK CRITICAL: nowhere\.invalid does not answer \(.+\)$/);
  });

  test("network: by UDP where there is no ping, which cannot look at the MTU", async () => {
    const environment = { ...process.env, PATH: "/nonexistent" };
    const well = await runCheck(["network", "--peer", "127.0.0.1", "--packets", "2"], environment);
    expect(well.line).toBe("NETWORK OK: 1 of 1 peer answered");
    const mtu = await runCheck(["network", "--peer", "127.0.0.1", "--mtu", "1450"], environment);
    expect(mtu.exitCode).toBe(3);
    expect(mtu.line).toContain("need ping, got none on the PATH");
  });
});

/** A network whose packets are smaller than they should be: one of its own, where this machine lets us make one. */
const SMALL = 'ip link set lo mtu 1400 up && exec "$@"';
const hasNamespaces = spawnSync("unshare", ["-rn", "sh", "-c", SMALL, "sh", "true"]).status === 0;

test.skipIf(!hasNamespaces)(
  "network: a packet that does not pass unbroken is critical, and the size that passes is told",
  { timeout: 60_000 },
  () => {
    const words = ["network", "--peer", "127.0.0.1", "--mtu", "1450", "--packets", "1"];
    const command = [process.execPath, PLUGIN_MAIN, ...words];
    const { status, stdout } = spawnSync("unshare", ["-rn", "sh", "-c", SMALL, "sh", ...command]);
    expect(stdout.toString()).toMatch(
      /^NETWORK CRITICAL: 1450 bytes do not pass to 127\.0\.0\.1, 1400 do \|.* 'mtu_127\.0\.0\.1'=1400B\n/,
    );
    expect(status).toBe(2);
  },
);

describe("a check of what is away", { timeout: 120_000 }, () => {
  const nobody = () => ["-p", "1", ...pki()];
  test("is critical where that is what it looks for, and unknown where it cannot tell", async () => {
    const { exitCode: health, line } = await runCheck(["edge", ...nobody()]);
    expect([health, line]).toEqual([2, "EDGE CRITICAL: it does not answer"]);
    for (const check of ["hit-rate", "silence", "mesh-link"]) {
      const { exitCode, line, errors } = await runCheck([check, ...nobody()]);
      expect([exitCode, errors]).toEqual([3, ""]);
      expect(line).toMatch(/ UNKNOWN: the .+ does not answer$/);
    }
    const ingestion = await runCheck(["ingestion", ...nobody()]);
    expect([ingestion.exitCode, ingestion.line]).toEqual([
      2,
      "INGESTION CRITICAL: it does not answer",
    ]);
    const streams = await runCheck(["freshness", ...edge(), "--origin-port", "1"]);
    expect([streams.exitCode, streams.line]).toEqual([
      3,
      "FRESHNESS UNKNOWN: the origin does not answer",
    ]);
  });

  test("ends in time where a server never answers, with the state that was asked for", async () => {
    using silence = await openSilence();
    for (const words of [
      ["-p", `${silence.port}`, ...pki()],
      ["-u", `http://127.0.0.1:${silence.port}`],
    ]) {
      const late = await runCheck(["edge", ...words, "-t", "1"]);
      expect([late.exitCode, late.line]).toEqual([3, "EDGE UNKNOWN: no result within 1 s"]);
    }
    const lost = await runCheck(["edge", "-p", `${silence.port}`, ...pki(), "-t", "1:CRITICAL"]);
    expect([lost.exitCode, lost.line]).toEqual([2, "EDGE CRITICAL: no result within 1 s"]);
  });

  test("believes no service that shows another certificate", async () => {
    const other = ["-p", `${network.edge.addresses.grpcPort}`, ...pki()];
    const { exitCode, more } = await runCheck(["edge", ...other, "--name", "edge-2"]);
    expect(exitCode).toBe(2);
    expect(more.join("")).toContain("certificate of edge-cache edge-1, expected edge-cache edge-2");
  });
});

test(
  "wrong words are UNKNOWN, in one clear line and without a trace",
  { timeout: 120_000 },
  async () => {
    const wrong: [string[], RegExp][] = [
      [[], /^CHECK UNKNOWN: "": no such check, expected one of edge, /],
      [["toString"], /^CHECK UNKNOWN: "toString": no such check/],
      [["edge"], /^EDGE UNKNOWN: --port and --url: got none, expected one of them/],
      [["edge", "--prot", "1"], /^EDGE UNKNOWN: --prot: no such flag, did you mean --port\?/],
      [["hit-rate", "-u", "x"], /^HIT-RATE UNKNOWN: --url: got "x", expected a URL/],
      [
        ["hit-rate", "-u", "http://a", "-w", "5:1"],
        /^HIT-RATE UNKNOWN: --warning: got "5:1", expected a range such as 10/,
      ],
      [
        ["silence", "-p", "1", "-t", "10:MAYBE"],
        /^SILENCE UNKNOWN: --timeout: got "10:MAYBE", expected seconds/,
      ],
      [["network"], /^NETWORK UNKNOWN: --peer: got nothing, expected 1 to 32 host names/],
      [
        ["network", "--peer", "-f"],
        /^NETWORK UNKNOWN: --peer: got "-f", expected 1 to 32 host names/,
      ],
      [
        ["edge", "-p", "1", "--pki-dir", "/nonexistent"],
        /^EDGE UNKNOWN: certificate of monitor local: cannot read/,
      ],
      [
        ["edge", "-p", "1", "--identity", "x"],
        /^EDGE UNKNOWN: --identity: got "x", expected ROLE\.NAME/,
      ],
    ];
    for (const [words, expected] of wrong) {
      const { exitCode, line, output, errors } = await runCheck(words);
      expect(line).toMatch(expected);
      expect({ exitCode, errors }).toEqual({ exitCode: 3, errors: "" });
      expect(output).not.toMatch(/^\s+at /m);
    }
  },
);

test("help tells what is measured, with defaults and examples", { timeout: 120_000 }, async () => {
  const all = await runCheck(["--help"]);
  const checks = /^Checks: (.+)\. Each/m.exec(all.output)![1]!.split(", ");
  expect(checks).toHaveLength(10);
  for (const check of checks) {
    const { exitCode, output } = await runCheck([check, "--help"]);
    expect(exitCode).toBe(3);
    for (const part of ["Usage: ", "--timeout", "(default 10:UNKNOWN)", "Examples:"])
      expect(output).toContain(part);
  }
  const version = await runCheck(["edge", "-V"]);
  expect([version.exitCode, version.output]).toEqual([3, "edge 0.1.0 (Glassline)\n"]);
});

test(
  "names of others end no line, begin no performance data and move no cursor",
  { timeout: 120_000 },
  async () => {
    const hostile = "a\nOK | 'x'=1\r\u001b[2J\u0000\u202e".repeat(300);
    const liar: Implementation<typeof MeshAdminService> = {
      getStatus: async () => ({
        $typeName: "glassline.mesh.v1alpha1.GetStatusResponse",
        node: hostile,
        routes: [],
        services: [],
        links: Array.from({ length: 200 }, (_, at) => ({
          $typeName: "glassline.mesh.v1alpha1.LinkStatus" as const,
          neighbour: `${at}${hostile}`,
          up: at > 0,
          rttMs: Number.NaN,
          cost: 1,
          keyExchange: hostile,
          framesSent: 0n,
          framesReceived: 0n,
          upSinceUnixNano: 0n,
          dialled: true,
          keyEpoch: 0,
          lossRatio: 0,
          transport: "udp",
          keySource: "tls",
        })),
      }),
      restartLink: async () => ({}),
      rotateKeys: async () => ({}),
    };
    const server = new grpc.Server();
    addService(server, MeshAdminService, liar);
    const identity = await network.bed.identity({ role: "mesh-node", instance: "liar" });
    const port = await listenGrpc(server, "liar", "127.0.0.1", 0, mutualTlsServer(identity));
    const { exitCode, output } = await runCheck(["mesh-link", "-p", `${port}`, ...pki(), "-v"]);
    await closeGrpc(server, 100);
    expect(exitCode).toBe(2);
    const [first, ...more] = output.trimEnd().split("\n");
    expect(first).toMatch(/^MESH-LINK CRITICAL: the link to 0a OK \/ 'x'=1 /);
    expect(Buffer.byteLength(first!)).toBeLessThan(4_096);
    expect(first!.split("|")).toHaveLength(2);
    expect(output.replaceAll("\n", "")).not.toMatch(/\p{Cc}|\p{Cf}/u);
    expect(more.length).toBeLessThanOrEqual(102);
  },
);
