/** Tenants with their quotas, ranges of VNIs, and pools of IPv4: a file of JSON. */
import { readFile } from "node:fs/promises";

import { OperatorError, messageOf } from "@glassline/service/errors";
import * as z from "zod/v4";

import type { Range } from "../core/vnis/policy.ts";
import { MalformedRanges, checkRanges } from "../core/vnis/policy.ts";
import { overlap } from "../core/vnis/spans.ts";
import type { Network } from "../core/vnis/subnets.ts";
import { addressesOf, networkOf, networkText } from "../core/vnis/subnets.ts";
import { VNIS } from "../core/vnis/vni.ts";

const FLAG = "--tenants";
const FILE_MAX_BYTES = 1_048_576;
const NAME_CHARS = 128;

export interface Ipv4Settings {
  pools: readonly Network[];
  /** Of each subnet, bits. */
  prefix: number;
}

export interface VniSettings {
  /** Empty: all VNIs are everybody's. */
  ranges: readonly Range[];
  /** Most VNIs of a tenant at once; who is not there has no quota. */
  quotas: ReadonlyMap<string, number>;
  /**
   * Of those that have no pools of their own; "formula": 10.x.y.0/24 by the VNI, which comes again each 65,536 VNIs, where overlays are
   * isolated namespaces.
   */
  ipv4: Ipv4Settings | "formula";
  tenantIpv4: ReadonlyMap<string, Ipv4Settings>;
}

/** One range for all, no quotas, 16,384 subnets of IPv4. */
export const DEFAULT_SETTINGS: VniSettings = {
  ranges: [],
  quotas: new Map(),
  ipv4: { pools: [networkOf("10.64.0.0/10")], prefix: 24 },
  tenantIpv4: new Map(),
};

const name = z.string().min(1).max(NAME_CHARS);
const vni = z.int().min(VNIS.first).max(VNIS.last);
const poolsSchema = z.strictObject({
  pools: z.array(z.string()).min(1).max(1_000),
  prefix: z.int().min(8).max(30).default(24),
});
const formulaSchema = z.strictObject({
  formula: z.literal(true),
  isolatedNamespaces: z.boolean().default(false),
});
const schema = z.strictObject({
  ranges: z
    .array(
      z.strictObject({
        first: vni,
        last: vni,
        tenant: name.optional(),
        region: name.optional(),
        site: name.optional(),
      }),
    )
    .max(10_000)
    .default([]),
  tenants: z
    .record(
      name,
      z.strictObject({
        quota: z.int().min(0).max(VNIS.last).optional(),
        ipv4: poolsSchema.optional(),
      }),
    )
    .default({}),
  ipv4: z.union([poolsSchema, formulaSchema]).optional(),
});

/** @param path empty: there is none. Rejects with OperatorError. */
export async function readVniSettings(path: string): Promise<VniSettings> {
  if (path === "") return DEFAULT_SETTINGS;
  try {
    const text = await readFile(path, "utf8");
    if (text.length > FILE_MAX_BYTES)
      throw new RangeError(`got ${text.length} characters, expected at most ${FILE_MAX_BYTES}`);
    return vniSettingsOf(JSON.parse(text));
  } catch (error) {
    throw new OperatorError(`${FLAG}: ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** Throws RangeError or MalformedRanges. */
export function vniSettingsOf(given: unknown): VniSettings {
  const parsed = schema.safeParse(given);
  if (!parsed.success) throw new MalformedRanges(z.prettifyError(parsed.error));
  const { ranges, tenants, ipv4 } = parsed.data;
  checkRanges(ranges);
  const all = Object.entries(tenants);
  return {
    ranges,
    quotas: new Map(
      all.flatMap(([tenant, { quota }]) => (quota === undefined ? [] : [[tenant, quota]])),
    ),
    ipv4:
      ipv4 === undefined
        ? DEFAULT_SETTINGS.ipv4
        : "formula" in ipv4
          ? formulaOf(ipv4)
          : ipv4Of("ipv4", ipv4),
    tenantIpv4: new Map(
      all.flatMap(([tenant, { ipv4 }]) =>
        ipv4 ? [[tenant, ipv4Of(`tenants.${tenant}.ipv4`, ipv4)]] : [],
      ),
    ),
  };
}

/** Who reaches two networks of the same addresses reaches either. */
function formulaOf({ isolatedNamespaces }: z.infer<typeof formulaSchema>): "formula" {
  if (isolatedNamespaces) return "formula";
  throw new RangeError(
    "ipv4.formula: got it without isolatedNamespaces, expected isolatedNamespaces: true: its networks come again each 65,536 VNIs, so no machine may reach two overlays",
  );
}

function ipv4Of(where: string, { pools, prefix }: z.infer<typeof poolsSchema>): Ipv4Settings {
  const networks = pools.map(networkOf);
  for (const [at, network] of networks.entries()) {
    if (network.prefix > prefix)
      throw new RangeError(
        `${where}: got the pool ${networkText(network)}, expected one with room for a /${prefix}`,
      );
    const other = networks
      .slice(0, at)
      .find((one) => overlap(addressesOf(one), addressesOf(network)));
    if (other)
      throw new RangeError(
        `${where}: got ${networkText(other)} and ${networkText(network)}, expected pools that are apart`,
      );
  }
  return { pools: networks, prefix };
}
