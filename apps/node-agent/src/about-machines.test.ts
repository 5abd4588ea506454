/** What an agent tells of its machines. */
import { ContainerDriver } from "@glassline/proto/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { makePki, startAgent } from "./agent.testing.ts";

let pki: Awaited<ReturnType<typeof makePki>>;

beforeAll(async () => {
  pki = await makePki();
});
afterAll(() => pki[Symbol.asyncDispose]());

describe("an agent", { timeout: 60_000 }, () => {
  test("tells what each of its machines is and can", async () => {
    const words = [
      "--machine=machine-7",
      "--site=west",
      "--underlay-address=192.0.2.1",
      "--public-host=edge-1.example.net",
      "--edge-host=10.0.0.1",
      "--edge-ports=7700-7709",
      "--segments=none",
    ];
    await using agent = await startAgent(1, pki.directory, ...words);
    const { machineStates, foreignTunnels } = await agent.status();
    expect(machineStates.map(({ name }) => name)).toEqual(["machine-1", "machine-7"]);
    for (const state of machineStates) {
      expect(state.drivers).toContain(ContainerDriver.PROCESS);
      expect(state).toMatchObject({
        site: "west",
        underlayAddress: "192.0.2.1",
        publicHost: "edge-1.example.net",
        host: "10.0.0.1",
        segmentRefusal: "this agent runs with --segments none",
        wireguardPublicKey: "",
        firstPort: 7_700,
        lastPort: 7_709,
      });
    }
    expect(foreignTunnels).toEqual([]);
  });

  test("needs to be told of no machine: then it is reached on this one", async () => {
    await using agent = await startAgent(1, pki.directory, "--segments=none");
    expect((await agent.status()).machineStates).toMatchObject([
      {
        site: "",
        underlayAddress: "",
        publicHost: "localhost",
        host: "localhost",
        firstPort: 7_600,
      },
    ]);
  });
});
