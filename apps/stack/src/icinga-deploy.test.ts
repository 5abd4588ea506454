/** What is in deploy/icinga2, in a real Icinga2 that checks a real network. */
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import type { Identity } from "@glassline/service/identity";
import { afterEach, beforeEach, describe, expect } from "vitest";

import { ROOT_DIRECTORY } from "./page.ts";
import type { CheckedNetwork } from "./testing/checked-network.ts";
import { openCheckedNetwork } from "./testing/checked-network.ts";
import type { Icinga } from "./testing/icinga.ts";
import { deployed, startIcinga, validate } from "./testing/icinga.ts";
import { readPerformanceData } from "./testing/plugins.ts";
import { testWith } from "./testing/requirements.ts";
import { Testbed, eventually } from "./testing/testbed.ts";

const testIcinga = testWith("icinga2", "monitoring-plugins", "ping");
const TOKEN = "a-token-of-this-test";
const PATIENCE_MS = 60_000;
/** To a user without the right an action is not there. */
const REFUSED = { status: 404 };

/** What OpsBot would hear. */
async function openPushes() {
  const authorizations: string[] = [];
  const server = createServer((request, response) => {
    const isRight = request.method === "POST" && request.url === "/icinga/event";
    if (isRight) authorizations.push(request.headers.authorization ?? "");
    request.resume();
    response.end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    authorizations,
    url: `http://127.0.0.1:${port}/icinga/event`,
    [Symbol.dispose]: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function constantsOf({ bed, pkiDir }: CheckedNetwork, pushUrl: string): string {
  return `
const GlasslineDir = "${ROOT_DIRECTORY}"
const GlasslineNode = "${process.execPath}"
const GlasslinePki = "${pkiDir}"
const GlasslineIdentity = "monitor.local"
const GlasslineCache = "${join(bed.directory, "compiled")}"
const GlasslineInterval = 1s
const GlasslinePushUrl = "${pushUrl}"
const GlasslinePushHeader = "${join(bed.directory, "push.header")}"
const GlasslineOpsBotName = "opsbot opsbot"
const GlasslineReaderName = "dashboard reader"
`;
}

/** Everything on one machine: every check of it must be well. */
function hostsOf({ origin, edge, collector, gateway }: CheckedNetwork): string {
  return `
object Host "video" {
  import "glassline-host"
  address = "127.0.0.1"
  vars.glassline.origin = { name = "origin", port = ${origin.addresses.grpcPort}, channels = [ "cam-0001" ] }
  vars.glassline.edge = {
    name = "edge-1"
    port = ${edge.addresses.grpcPort}
    origin_port = ${origin.addresses.grpcPort}
    streams["cam-0001"] = { warning = "30000", critical = "60000" }
  }
}
object Host "telemetry" {
  import "glassline-host"
  address = "127.0.0.1"
  vars.glassline.collector = { name = "collector", port = ${collector.addresses.port} }
  vars.glassline.mesh_node = { name = "node-1", port = ${gateway.addresses.port}, links = [ "node-2" ] }
  vars.glassline.overlays["loopback"] = { peers = [ "127.0.0.1" ], mtu = 1450 }
  vars.glassline.opsbot = { name = "opsbot" }
}
object Host "gone" {
  import "glassline-host"
  check_command = "dummy"
  vars.dummy_state = 2
  vars.glassline.collector = { name = "collector", port = 1 }
}
object Host "none-of-ours" { check_command = "dummy" }
object ApiUser "root" {
  client_cn = "operator root"
  permissions = [ "*" ]
}
`;
}

/** Services, what OpsBot reads of them, and the performance data that each has. */
const EXPECTED = {
  "video!glassline-health": ["edge-1", "health", "viewers"],
  "video!glassline-hit-rate": ["edge-1", "hit-rate", ""],
  "video!glassline-freshness": ["edge-1", "freshness", "behind"],
  "video!glassline-latency": ["edge-1", "latency", "latency"],
  "video!glassline-latency-cam-0001": ["channel cam-0001", "latency", "latency"],
  "video!glassline-channels": ["origin", "channels", "channels"],
  "telemetry!glassline-silence": ["cameras", "silence", "silent"],
  "telemetry!glassline-ingestion": ["collector", "ingestion", "not_stored"],
  "telemetry!glassline-mesh-link": ["node-1", "mesh-link", "links_up"],
  "telemetry!glassline-link-keys-node-2": ["node-1/node-2", "link-keys", "key_age"],
  "telemetry!glassline-network-loopback": ["loopback", "network", "peers"],
} as const;

interface Service {
  state: number;
  isHard: boolean;
  output: string;
  performance: string[];
  reachable: boolean;
  vars: Record<string, unknown>;
}

async function services(icinga: Icinga, as: Identity): Promise<ReadonlyMap<string, Service>> {
  const { body } = await icinga.ask(as, "GET", "/v1/objects/services");
  return new Map((body.results ?? []).map(({ name, attrs }) => [name, serviceOf(attrs)]));
}

function serviceOf(attrs: Record<string, unknown>): Service {
  const result = (attrs["last_check_result"] ?? {}) as Record<string, unknown>;
  return {
    state: Number(attrs["state"]),
    isHard: attrs["state_type"] === 1,
    output: String(result["output"]),
    performance: (result["performance_data"] ?? []) as string[],
    reachable: attrs["last_reachable"] === true,
    vars: (attrs["vars"] ?? {}) as Record<string, unknown>,
  };
}

describe("deploy/icinga2", { timeout: 240_000 }, () => {
  let bed: Testbed;
  beforeEach(async () => void (bed = await Testbed.open()));
  afterEach(() => bed[Symbol.asyncDispose]());

  testIcinga("is valid as it is shipped, with the hosts of its example", async () => {
    const files = deployed("constants.conf", "hosts.conf", "glassline.conf");
    const said = await validate(bed.directory, files);
    expect(said).toContain("Instantiated 24 Services");
    expect(said).not.toMatch(/warning/i);
  });

  testIcinga(
    "shows the states of a network, pushes their changes, and lets its users do no more than they must",
    async () => {
      await using network = await openCheckedNetwork();
      using pushes = await openPushes();
      const { directory } = network.bed;
      await mkdir(join(directory, "icinga"));
      await writeFile(join(directory, "push.header"), `Authorization: Bearer ${TOKEN}\n`);
      const objects =
        constantsOf(network, pushes.url) + deployed("glassline.conf") + hostsOf(network);
      const issue = (name: Parameters<Testbed["identity"]>[0]) => network.bed.identity(name);
      await using icinga = await startIcinga(join(directory, "icinga"), objects, issue);
      const [root, opsbot, reader] = await Promise.all([
        issue({ role: "operator", instance: "root" }),
        issue({ role: "opsbot", instance: "opsbot" }),
        issue({ role: "dashboard", instance: "reader" }),
      ]);

      const well = await eventually(
        "every check is well",
        async () => {
          const found = await services(icinga, root);
          const wrong = Object.keys(EXPECTED).filter((name) => {
            const { state, isHard, output } = found.get(name)!;
            return state !== 0 || !isHard || output === "undefined";
          });
          if (wrong.length === 0) return found;
          throw new Error(wrong.map((name) => `${name}: ${found.get(name)!.output}`).join("\n"));
        },
        PATIENCE_MS,
      );
      for (const [name, [object, check, label]] of Object.entries(EXPECTED)) {
        const { vars, performance } = well.get(name)!;
        expect(vars).toMatchObject({ glassline_object: object, glassline_check: check });
        const labels = Object.keys(readPerformanceData(performance.join(" ")));
        expect(labels).toEqual(label === "" ? [] : expect.arrayContaining([label]));
      }

      // The reader sees what is Glassline's only, and may do nothing.
      const hosts = await icinga.ask(reader, "GET", "/v1/objects/hosts");
      expect(hosts.body.results!.map(({ name }) => name).toSorted()).toEqual([
        "gone",
        "telemetry",
        "video",
      ]);
      expect((await services(icinga, reader)).size).toBe(Object.keys(EXPECTED).length + 3);
      const result = (service: string) => ({
        type: "Service",
        filter: "service.__name == name",
        filter_vars: { name: service },
        exit_status: 0,
        plugin_output: "OpsBot listens",
      });
      const submit = (as: Identity, service: string) =>
        icinga.ask(as, "POST", "/v1/actions/process-check-result", result(service));
      expect(await submit(reader, "telemetry!glassline-heartbeat")).toMatchObject(REFUSED);

      // OpsBot tells its heartbeat, and no other result.
      const beat = await submit(opsbot, "telemetry!glassline-heartbeat");
      expect(beat).toMatchObject({ status: 200, body: { results: [{ code: 200 }] } });
      const other = await submit(opsbot, "video!glassline-health");
      expect(other.body.results ?? []).toEqual([]);
      expect(await icinga.ask(opsbot, "POST", "/v1/actions/shutdown-process")).toMatchObject(
        REFUSED,
      );

      // An edge dies: that is a fact, and what it would have said is not a problem of its own.
      await network.edge[Symbol.asyncDispose]();
      await eventually(
        "the edge is down, and its streams are unreachable, as is what is on a host that is down",
        async () => {
          const found = await services(icinga, root);
          const health = found.get("video!glassline-health")!;
          const freshness = found.get("video!glassline-freshness")!;
          const gone = found.get("gone!glassline-silence")!;
          if (health.state === 2 && !freshness.reachable && !gone.reachable) return true;
          throw new Error(`got ${JSON.stringify({ health, freshness, gone })}`);
        },
        PATIENCE_MS,
      );
      await eventually("OpsBot was told", () => pushes.authorizations.length > 0 || undefined);
      expect(new Set(pushes.authorizations)).toEqual(new Set([`Bearer ${TOKEN}`]));
    },
  );
});
