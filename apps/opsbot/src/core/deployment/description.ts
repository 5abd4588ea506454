/** channel.yaml: what a channel shall be. One definition for its checks, its types and its published JSON Schema. Pure. */
import { z } from "zod";

import { PLAYERS_MAX, VALIDATION_MAX_MS } from "../caches/validation-limits.ts";

const MACHINES_MAX = 64;
const PATHS_MAX = 1_000;
const MIB = 1_048_576;

const text = (most: number) => z.string().max(most);

/** Also part of the names of its edges, in certificates and in the names of Icinga's hosts. */
const name = (what: string) =>
  z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,30}$/, `a letter, then at most 30 letters, digits and "-", all small`)
    .describe(what);

const machine = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, `small letters, digits and "-"`)
  .describe("A machine, as its node-agent calls it.");

const path = z.string().regex(/^\/[\w.~%+/-]{0,500}$/, "a path, such as /live/cam-0001/index.m3u8");

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const UNITS_BYTES = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const;

const quantity = <U extends Record<string, number>>(units: U, example: string) => {
  const pattern = new RegExp(String.raw`^(\d{1,9})(${Object.keys(units).join("|")})$`);
  return z
    .string()
    .regex(pattern, `a number with its unit, such as ${example}`)
    .transform((value) => {
      const [, count, unit] = pattern.exec(value) ?? [];
      return Number(count) * (units[unit as keyof U] ?? Number.NaN);
    });
};

const time = (leastMs: number, mostMs: number) =>
  quantity(UNITS_MS, "10s").refine(
    (ms) => ms >= leastMs && ms <= mostMs,
    `a time from ${leastMs / 1_000} s to ${mostMs / 1_000} s`,
  );

const size = (least: number) =>
  quantity(UNITS_BYTES, "256MiB").refine((bytes) => bytes >= least, `at least ${least / MIB}MiB`);

/** "95%": 0.95. */
const share = z
  .string()
  .regex(/^\d{1,3}(\.\d{1,3})?%$/, "a share, such as 95%")
  .transform((value) => Number.parseFloat(value) / 100)
  .refine((value) => value <= 1, "at most 100%");

const overlay = z
  .strictObject({
    kind: z
      .enum(["vxlan", "none"])
      .default("vxlan")
      .describe("none: its machines are one, or share a network that is trusted."),
    mtu: z.int().min(576).max(65_485).optional().describe("Bytes. Without it, what fits."),
    ipv4: z.boolean().default(false).describe("IPv4 of the pool, instead of an IPv6 ULA."),
    encrypted: z.boolean().default(false).describe("WireGuard below it."),
    region: name("Which part of the VNIs it gets, where tenants have ranges.").optional(),
    gateways: z
      .record(machine, z.array(machine).min(1).max(8))
      .optional()
      .describe(
        "Of each site that it spans: the machines that may join it to the others, best first.",
      ),
  })
  .prefault({});

const container = z
  .strictObject({
    driver: z.enum(["process", "runc", "docker", "apple"]).default("process"),
    image: text(500)
      .default("")
      .describe("Its image, or root file system; empty: the agent's own."),
    memory: size(64 * MIB)
      .optional()
      .describe("Most memory that an edge may have."),
    cpus: z.number().min(0.05).max(1_024).optional().describe("Most cores that it may use."),
    tasks: z.int().min(16).max(1_000_000).optional().describe("Most processes and threads."),
  })
  .prefault({});

const restart = z
  .strictObject({
    pause: time(10, 600_000).prefault("1s").describe("Before an edge that ended is started again."),
    pauseMax: time(10, 3_600_000).prefault("16s").describe("It doubles up to this."),
    attempts: z
      .int()
      .min(0)
      .max(1_000)
      .default(0)
      .describe("Ends in a row, then it is left. 0: for ever."),
  })
  .prefault({});

const cache = z
  .strictObject({
    memory: size(MIB).prefault("256MiB").describe("Store of each edge."),
    paths: z.array(path).max(PATHS_MAX).default([]).describe("Fetched before viewers come."),
    popular: z
      .int()
      .min(0)
      .max(10_000)
      .default(0)
      .describe("So many more, of OpsBot's access logs."),
    perSecond: z
      .number()
      .min(0.1)
      .max(10_000)
      .default(20)
      .describe("Objects fetched a second and edge."),
  })
  .prefault({});

const slo = z
  .strictObject({
    hitRate: share.prefault("80%").describe("Answers without a question to the origin."),
    firstByte: time(1, 60_000)
      .prefault("500ms")
      .describe("To the first byte, of 99 of 100 answers."),
    errors: share.prefault("0.5%"),
    stalls: z.int().min(0).default(0).describe("Of all players together."),
    players: z.int().min(1).max(PLAYERS_MAX).default(8).describe("Of the test load."),
    for: time(2_000, VALIDATION_MAX_MS).prefault("8s").describe("How long they play."),
  })
  .prefault({});

const url = z.url({ protocol: /^https$/, error: "an address that begins with https://" }).max(500);
const domains = z.array(z.hostname().max(253)).min(1).max(50);

const clients = z
  .strictObject({
    organization: text(200).default(""),
    consent: text(2_000).default("").describe("What the user must agree to; empty: nothing."),
    link: time(60_000, 30 * 86_400_000)
      .prefault("1d")
      .describe("How long an enrolment link holds."),
    token: time(60_000, 400 * 86_400_000)
      .prefault("30d")
      .describe("How long a device may watch."),
    dns: z
      .union([
        z.strictObject({
          https: url,
          domains,
          addresses: z
            .array(z.union([z.ipv4(), z.ipv6()]))
            .max(8)
            .default([]),
        }),
        z.strictObject({
          tls: z.hostname(),
          domains,
          addresses: z
            .array(z.union([z.ipv4(), z.ipv6()]))
            .max(8)
            .default([]),
        }),
      ])
      .optional()
      .describe("A DNS server for these domains alone. Glassline runs none."),
    relay: z
      .strictObject({
        http3: url.optional(),
        http2: url.optional(),
        domains,
        except: domains.optional(),
      })
      .optional()
      .describe("A MASQUE relay for these domains. Glassline runs none."),
    ikev2: z
      .strictObject({
        name: text(100),
        address: z.hostname(),
        remoteId: text(253),
        localId: text(253).default(""),
        secretFile: text(500).describe("On the machine of the enrolment service."),
        domains,
      })
      .optional()
      .describe("A VPN gateway. Glassline runs none."),
    wifi: z
      .strictObject({
        ssid: z.string().min(1).max(32),
        encryption: z.enum(["WPA2", "WPA3", "None"]).default("WPA3"),
        passwordFile: text(500).default("").describe("On the machine of the enrolment service."),
        autoJoin: z.boolean().default(true),
      })
      .optional(),
  })
  .describe(
    "Profiles for iPhones, and a token for each. Without it anybody who reaches an edge may watch.",
  );

export const DESCRIPTION = z
  .strictObject({
    channel: name("Its name."),
    tenant: name("Whose it is: quotas and ranges are a tenant's.").default("default"),
    title: text(100).default("").describe("For viewers."),
    description: text(1_000).default(""),
    origin: z
      .string()
      .max(63)
      .default("")
      .describe("One of OpsBot's --deploy-origin; empty: the first."),
    source: path
      .refine((value) => value.endsWith(".m3u8"), "the path of a multivariant playlist, *.m3u8")
      .describe("Its multivariant playlist at the origin."),
    machines: z.array(machine).min(1).max(MACHINES_MAX).describe("An edge on each."),
    spares: z
      .array(machine)
      .max(MACHINES_MAX)
      .default([])
      .describe("Where an edge goes when its machine dies, first of all."),
    shield: machine
      .optional()
      .describe("Has an edge of its own, by which the others ask the origin."),
    overlay,
    container,
    restart,
    cache,
    slo,
    clients: clients.optional(),
  })
  .describe(
    "A live channel, from its origin to its viewers: https://glassline.example/channel.schema.json",
  );

/** As it is read, with all that was left out. Times are milliseconds, sizes bytes, shares 0 to 1. */
export type Description = z.output<typeof DESCRIPTION>;

export const channelJsonSchema = () => z.toJSONSchema(DESCRIPTION, { io: "input" });
