/** channel.yaml: what a channel shall be. One definition for its checks, its types and its published JSON Schema. Pure. */
import {
  CONSENT_MAX_CHARS,
  DESCRIPTION_MAX_CHARS,
  FILE_NAME,
  LIFETIME_LEAST_MS,
  LINE_MAX_CHARS,
  LINK_LIFETIME_MAX_MS,
  NOT_IN_A_LINE,
  SSID_MAX_BYTES,
  TOKEN_LIFETIME_MAX_MS,
} from "@glassline/proto/enrolment-limits";
import { z } from "zod";

import { PLAYERS_MAX, VALIDATION_MAX_MS } from "../caches/validation-limits.ts";

const MACHINES_MAX = 64;
const PATHS_MAX = 1_000;
/** As many as a node-agent takes. */
const SERVICES_MAX = 64;
const MIB = 1_048_576;

const text = (most: number) => z.string().max(most);
/** As enrolment takes it. */
const line = (most: number) =>
  text(most).refine((value) => !NOT_IN_A_LINE.test(value), "one line without control characters");
const secretFile = z
  .string()
  .regex(FILE_NAME, "the name of a file in the folder of secrets (--secrets-dir of enrolment)")
  .describe("In the folder of secrets of the enrolment service.");

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

const size = (least: number, most = Number.MAX_SAFE_INTEGER) =>
  quantity(UNITS_BYTES, "256MiB")
    .refine((bytes) => bytes >= least, `at least ${least / MIB}MiB`)
    .refine((bytes) => bytes <= most, `at most ${most / MIB}MiB`);

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
    services: z
      .record(name("A service."), machine)
      .default({})
      .refine((all) => Object.keys(all).length <= SERVICES_MAX, `at most ${SERVICES_MAX} of them`)
      .describe(
        "Each on one of its machines, with an address of its own in the overlay, which goes to the machine that stands in.",
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
    disk: size(64 * MIB, MIB * MIB)
      .optional()
      .describe("Of each edge, behind what is in memory; what is there outlives it."),
    accessLog: share
      .prefault("0%")
      .describe("Of the requests, so many are logged, in access.log of the edge's folder."),
    clientRate: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(0)
      .describe(
        "Requests a second of one client, more get 429; the test load is one client, too. 0: as many as it likes.",
      ),
    blockingLifetime: time(0, 600_000)
      .optional()
      .describe(
        "For how long a playlist that was waited for is kept. Without it: six target durations.",
      ),
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
    organization: line(LINE_MAX_CHARS).default(""),
    consent: text(CONSENT_MAX_CHARS)
      .default("")
      .describe("What the user must agree to; empty: nothing."),
    link: time(LIFETIME_LEAST_MS, LINK_LIFETIME_MAX_MS)
      .prefault("1d")
      .describe("How long an enrolment link holds."),
    token: time(LIFETIME_LEAST_MS, TOKEN_LIFETIME_MAX_MS)
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
        name: line(LINE_MAX_CHARS).min(1),
        address: z.hostname(),
        remoteId: line(253).min(1),
        localId: line(253).default(""),
        secretFile,
        domains,
      })
      .optional()
      .describe("A VPN gateway. Glassline runs none."),
    wifi: z
      .strictObject({
        ssid: line(SSID_MAX_BYTES)
          .min(1)
          .refine(
            (value) => Buffer.byteLength(value) <= SSID_MAX_BYTES,
            `at most ${SSID_MAX_BYTES} bytes`,
          ),
        encryption: z.enum(["WPA2", "WPA3", "None"]).default("WPA3"),
        passwordFile: secretFile.optional(),
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
    description: text(DESCRIPTION_MAX_CHARS).default(""),
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
  .describe("A live channel, from its origin to its viewers.");

/** As it is read, with all that was left out. Times are milliseconds, sizes bytes, shares 0 to 1. */
export type Description = z.output<typeof DESCRIPTION>;

/** By which it is known; it is in docs/channel.schema.json. */
const SCHEMA_ID = "https://glassline.example/channel.schema.json";

/** JSON Schema, of what is written. */
export function channelSchemaText(): string {
  const { $schema, ...rest } = z.toJSONSchema(DESCRIPTION, { io: "input" });
  return `${JSON.stringify({ $schema, $id: SCHEMA_ID, ...rest }, undefined, 2)}\n`;
}
