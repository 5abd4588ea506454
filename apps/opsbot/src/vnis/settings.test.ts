/** The file of tenants: what it may say, and what is said about what is wrong in it. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { OperatorError } from "@glassline/service/errors";
import { expect, test } from "vitest";

import { scratch } from "../stores/store.testing.ts";
import { DEFAULT_SETTINGS, readVniSettings, vniSettingsOf } from "./settings.ts";

test("without a file there is one range for all, and no quota", async () => {
  expect(await readVniSettings("")).toEqual(DEFAULT_SETTINGS);
  expect(vniSettingsOf({})).toEqual(DEFAULT_SETTINGS);
});

test("ranges, quotas and pools are read", async () => {
  const path = join(scratch(), "tenants.json");
  const ranges = [{ first: 1, last: 4_095, tenant: "acme", site: "fra" }];
  const ipv4 = { pools: ["10.8.0.0/16"], prefix: 26 };
  await writeFile(path, JSON.stringify({ ranges, tenants: { acme: { quota: 7, ipv4 } } }));
  expect(await readVniSettings(path)).toEqual({
    ...DEFAULT_SETTINGS,
    ranges,
    quotas: new Map([["acme", 7]]),
    tenantIpv4: new Map([
      ["acme", { pools: [{ address: 0x0a_08_00_00, prefix: 16 }], prefix: 26 }],
    ]),
  });
  const formula = { formula: true, isolatedNamespaces: true };
  expect(vniSettingsOf({ ipv4: formula }).ipv4).toBe("formula");
});

test("what is wrong is told with the place where it stands", async () => {
  const wrong = (given: unknown) => expect(() => vniSettingsOf(given));
  wrong({ ranges: [{ first: 0, last: 5 }] }).toThrow(/ranges\[0\]\.first/);
  wrong({ ranges: [{ first: 6, last: 5 }] }).toThrow(/ranges\[0\]: got 6-5/);
  wrong({ range: [] }).toThrow(/range/);
  wrong({ tenants: { acme: { quota: -1 } } }).toThrow(/tenants\.acme\.quota/);
  wrong({ ipv4: { formula: true } }).toThrow(/ipv4\.formula: got it without isolatedNamespaces/);
  wrong({ ipv4: { formula: true, isolatedNamespaces: false } }).toThrow(/isolatedNamespaces: true/);
  wrong({ ipv4: { pools: ["10.0.0.1/8"] } }).toThrow(/got "10\.0\.0\.1\/8"/);
  wrong({ ipv4: { pools: ["10.0.0.0/25"] } }).toThrow(/expected one with room for a \/24/);
  wrong({ tenants: { a: { ipv4: { pools: ["10.0.0.0/8", "10.1.0.0/16"] } } } }).toThrow(
    /tenants\.a\.ipv4: got 10\.0\.0\.0\/8 and 10\.1\.0\.0\/16/,
  );
  const path = join(scratch(), "tenants.json");
  await writeFile(path, "{");
  await expect(readVniSettings(path)).rejects.toThrow(OperatorError);
  await expect(readVniSettings(path)).rejects.toThrow(/--tenants: .*tenants\.json/);
  await expect(readVniSettings(`${path}.not`)).rejects.toThrow(/ENOENT/);
});
