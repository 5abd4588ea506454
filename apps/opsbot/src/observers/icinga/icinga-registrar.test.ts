/** Hosts of a channel in a real Icinga2. */
import { systemClock } from "@glassline/service/clock";
import { expect, test } from "vitest";

import { IcingaClient } from "./client.ts";
import { describeWithIcinga, startIcinga } from "./icinga.testing.ts";
import { icingaRegistrar } from "./icinga-registrar.ts";

/** An agent of Icinga is on the second machine alone. */
const OBJECTS = `
template Host "glassline-host" { check_command = "dummy" }
object Endpoint "machine-2" { }
object Zone "machine-2" { endpoints = [ "machine-2" ]; parent = ZoneName }
`;
const edgeOn = (number: number) => ({
  name: `harbour-${number}`,
  host: "192.0.2.1",
  port: 7_600 + number,
  overlay: { machine: `machine-${number}`, peers: [`fd47::${3 - number}`], mtu: 1_400 },
});
const CHANNEL = { channel: "harbour", stream: "cam-0001", edges: [edgeOn(1), edgeOn(2)] };

describeWithIcinga()("the registrar of Icinga", () => {
  test("has an overlay looked at from machines where Icinga is, and nothing is lacking then", async () => {
    await using icinga = await startIcinga(OBJECTS);
    using client = new IcingaClient(icinga.as("root"));
    const { signal } = new AbortController();
    const registrar = icingaRegistrar(client, systemClock, signal);
    const hold = { clock: systemClock, isHeld: async () => false, signal };
    expect(await registrar.lacks(CHANNEL)).toHaveLength(2);
    expect(await registrar.register(CHANNEL, hold)).toBe("Icinga watches harbour-1, harbour-2");
    expect(await registrar.lacks(CHANNEL)).toEqual([]);
    const glassline = async (host: string) => {
      const { vars } = await icinga.attributes(host);
      return (vars as { glassline: { overlays?: unknown } }).glassline;
    };
    expect((await glassline("harbour-1")).overlays).toBeUndefined();
    expect((await glassline("harbour-2")).overlays).toEqual({
      "harbour-2": { peers: ["fd47::1"], command_endpoint: "machine-2", mtu: 1_400 },
    });
    const moved = { ...CHANNEL, edges: [{ ...edgeOn(2), port: 7_700 }] };
    expect(await registrar.lacks(moved)).toHaveLength(2);
    expect(await registrar.register(moved, hold)).toBe(
      "Icinga watches harbour-2; Icinga forgets harbour-1",
    );
    expect(await registrar.remove("harbour", hold)).toBe("Icinga forgets harbour-2");
    expect(await registrar.lacks({ ...CHANNEL, edges: [] })).toEqual([]);
  });
});
