import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readConfig } from "@glassline/config";
import { overChain } from "@glassline/quantum/physics/pairs";
import { PRESETS } from "@glassline/quantum/physics/presets";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { program } from "./config.ts";
import { pairLink, readNetwork } from "./pair-link.ts";

const link = (one: string, other: string, pairsPerS = 40_000, fidelity = 0.98) => ({
  between: [one, other],
  pairsPerS,
  fidelity,
});
const NETWORK = {
  swapSuccess: 0.5,
  coherenceS: 1e6,
  links: [
    link("kme-1", "repeater"),
    link("repeater", "kme-2"),
    link("kme-1", "kme-2", 10, 0.99),
    link("kme-1", "kme-3", 1_000, 0.7),
  ],
};

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "glassline-pairs-"))));
afterAll(() => rm(folder, { recursive: true }));

async function linkTo(peer: string, ...words: readonly string[]) {
  const file = join(folder, "network.json");
  await writeFile(file, JSON.stringify(NETWORK));
  const given = words.map((word) => word.replace("FILE", file));
  const read = readConfig(program, { arguments: given, environment: {} });
  if (!("config" in read)) throw new Error("got help, expected a configuration");
  return pairLink(peer, read.config, PRESETS.metro);
}

describe("pairs between key managers", () => {
  test("go over a fibre", async () => {
    const { share, fidelity, path } = await linkTo("kme-2", "--fidelity=0.95");
    expect({ fidelity, path }).toEqual({ fidelity: 0.95, path: ["kme-1", "kme-2"] });
    expect(share).toBeCloseTo(10 ** -0.5 * 0.2, 12);
  });

  test("take the best way of a network", async () => {
    const words = ["--repeaters=FILE", "--frame=250000", "--frame-interval=250ms"];
    const { share, fidelity, path } = await linkTo("kme-2", ...words);
    expect(path).toEqual(["kme-1", "repeater", "kme-2"]);
    expect(fidelity).toBeCloseTo(overChain(0.98, 2), 6);
    expect(share).toBeCloseTo(20_000 / 1_000_000, 12);
  });

  test("are refused where none give any key, or none are described", async () => {
    await expect(linkTo("kme-3", "--repeaters=FILE")).rejects.toThrow(
      "got no way from kme-1 to kme-3 that gives any key",
    );
    await expect(linkTo("kme-2", "--repeaters=/nowhere.json")).rejects.toThrow("--repeaters: ");
  });

  test.each([
    ["{", "--repeaters net.json: "],
    ["[]", "the file: got [], expected an object"],
    ["{}", "links: got none, expected a list of 1 to 200"],
    [{ ...NETWORK, links: [{ between: ["a", "a"] }] }, 'links[0].between: got ["a","a"]'],
    [{ ...NETWORK, links: [link("a", "b", -1)] }, "links[0].pairsPerS: got -1"],
    [{ ...NETWORK, links: [link("a", "b", 1, 1.1)] }, "links[0].fidelity: got 1.1"],
    [{ ...NETWORK, links: [7] }, "links[0]: got 7, expected an object"],
    [{ ...NETWORK, swapSuccess: 0 }, "swapSuccess: got 0"],
    [{ ...NETWORK, coherenceS: "long" }, 'coherenceS: got "long"'],
    [{ ...NETWORK, purifications: 99 }, "purifications: got 99, expected a number from 0 to 8"],
  ])("a file that is none says why: %j", (file, message) => {
    const text = typeof file === "string" ? file : JSON.stringify(file);
    expect(() => readNetwork(text, "net.json")).toThrow(message);
  });
});
