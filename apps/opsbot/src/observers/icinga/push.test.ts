/** The whole OpsBot, told of its Icinga by flags; Icinga pushes, and nothing else makes OpsBot look. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { readConfig } from "@glassline/config";
import { systemClock } from "@glassline/service/clock";
import { createLogger } from "@glassline/service/logger";
import { createMetrics } from "@glassline/service/metrics";
import { ephemeralPki } from "@glassline/service/pki";
import { trace } from "@opentelemetry/api";
import { expect, test } from "vitest";

import { program } from "../../config.ts";
import { startOpsBot } from "../../opsbot.ts";
import type { Icinga } from "./icinga.testing.ts";
import { describeWithIcinga, startIcinga } from "./icinga.testing.ts";
import { eventually } from "./stage.testing.ts";
import { scratch } from "../../stores/store.testing.ts";

const TOKEN = "what only Icinga knows";

/** An Icinga whose services tell each change to an address that a file holds, as `curl` would. */
const pushing = (addressFile: string) => `
object EventCommand "tell-opsbot" {
  command = [ "${process.execPath}", "-e", {{{
    const address = require("node:fs").readFileSync(process.argv[1], "utf8");
    fetch(address, { method: "POST", headers: { authorization: "Bearer " + process.argv[2] } });
  }}}, "${addressFile}", "${TOKEN}" ]
}
object Host "edge-1" { import "passive-host" }
object Service "hits" {
  import "passive-service"
  host_name = "edge-1"
  event_command = "tell-opsbot"
  vars.glassline_object = "edge-1"
  vars.glassline_check = "hit-rate"
}
`;

async function startWith(icinga: Icinga, directory: string) {
  const caFile = join(directory, "icinga-ca.pem");
  writeFileSync(caFile, icinga.settings.ca!);
  // This user hears no events.
  const { url, user, password } = icinga.as("opsbot-deaf");
  const words = {
    port: 0,
    "admin-port": 0,
    "data-dir": join(directory, "opsbot"),
    icinga: url,
    "icinga-name": "localhost",
    "icinga-ca": caFile,
    "icinga-user": user,
    "icinga-interval": "60s",
    "icinga-push-token": TOKEN,
  };
  const result = readConfig(program, {
    arguments: Object.entries(words).map(([name, value]) => `--${name}=${value}`),
    environment: { GLASSLINE_OPSBOT_ICINGA_PASSWORD: password },
  });
  if (!("config" in result)) throw new Error("got help, expected a config");
  return startOpsBot(result.config, {
    identity: await (await ephemeralPki())({ role: "opsbot", instance: "opsbot" }),
    clock: systemClock,
    random: Math.random,
    logger: createLogger("opsbot", "silent"),
    metrics: createMetrics("opsbot"),
    tracerProvider: trace.getTracerProvider(),
    stopping: new AbortController().signal,
  });
}

/** That came to an end. */
async function looks(at: string): Promise<number> {
  const text = await (await fetch(`${at}/metrics`)).text();
  const counts = text.matchAll(/icinga_looks_total\{[^}]*\} (\d+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

describeWithIcinga()("a push of Icinga's EventCommand", () => {
  test("makes OpsBot look at once; with another token it does nothing", async () => {
    const directory = scratch();
    const addressFile = join(directory, "address");
    await using icinga = await startIcinga(pushing(addressFile));
    await using opsbot = await startWith(icinga, directory);
    const at = `http://127.0.0.1:${opsbot.addresses.adminPort}`;
    const post = (path: string, authorization: string, body = "{}") =>
      fetch(`${at}${path}`, {
        method: "POST",
        headers: { authorization, "content-type": "application/json" },
        body,
      });
    const ask = async (method: string) =>
      (await post(`/glassline.opsbot.v1alpha1.OpsBotService/${method}`, "")).text();
    await eventually(async () => expect(await ask("GetStatus")).toMatch("pending"));
    // The end of the stream that this user may not hear asks for one more look.
    await eventually(async () => expect(await looks(at)).toBeGreaterThan(1));

    // Icinga's own pushes go nowhere yet.
    writeFileSync(addressFile, "http://127.0.0.1:9/");
    await icinga.result("edge-1!hits", 2, "3 %");
    for (const authorization of ["", "Bearer wrong", `Basic ${TOKEN}`, `Bearer x${TOKEN}`]) {
      const refused = await post("/icinga/event", authorization);
      expect(refused.status, authorization).toBe(401);
      expect(await refused.text()).not.toContain(TOKEN);
    }
    expect((await post("/icinga/event", `Bearer ${TOKEN}`, "x".repeat(2_000_000))).status).toBe(
      413,
    );
    expect(await ask("ListIncidents")).toMatch(/"incidents":\[\]/);

    writeFileSync(addressFile, `${at}/icinga/event`);
    await icinga.result("edge-1!hits", 0);
    await icinga.result("edge-1!hits", 2, "4 %");
    await eventually(async () => expect(await ask("ListIncidents")).toMatch(/edge-1: 4 %/));
  });
});
