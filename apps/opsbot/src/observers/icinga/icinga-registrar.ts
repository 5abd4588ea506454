/**
 * Edges of deployed channels as hosts of Icinga: made and removed by its REST API, at once and without a reload. Their services follow
 * from apply rules (deploy/icinga2/services.conf), by what a host says of itself.
 * Source: https://icinga.com/docs/icinga-2/latest/doc/12-icinga2-api/#creating-config-objects
 */
import { isDeepStrictEqual } from "node:util";

import type { Clock } from "@glassline/service/clock";

import { begin } from "../../actions/effects.ts";
import { isRecord } from "../../core/json-values.ts";
import { counted } from "../../core/words.ts";
import type { MonitoredChannel, MonitoredEdge, Registrar } from "../../deployment/registrar.ts";
import { namesOf } from "../../deployment/registrar.ts";
import { Lately } from "../../lately.ts";
import type { IcingaClient } from "./client.ts";

/** So long what Icinga showed is taken for what it has, by who only looks. */
const FRESH_MS = 1_000;

const ALL = { filter: "true", filterVars: {}, attrs: ["name", "vars", "address"] } as const;

interface Host {
  name: string;
  channel: string;
  vars: unknown;
  address: unknown;
}

/** What Icinga has. */
interface Has {
  hosts: readonly Host[];
  /** Names of its endpoints: of agents on machines, if they are called as those are. */
  endpoints: ReadonlySet<string>;
}

export function icingaRegistrar(
  client: IcingaClient,
  clock: Pick<Clock, "monotonicMs">,
  signal: AbortSignal,
): Registrar {
  const shown = new Lately(() => lookAt(client, signal), { forMs: FRESH_MS, clock });
  return {
    lacks: async (wanted) => {
      const { missing, surplus } = differences(wanted, await shown.get());
      return [
        ...missing.map(({ name }) => `Icinga has no host ${name} as it should be`),
        ...surplus.map(({ name }) => `Icinga still has the host ${name}`),
      ];
    },
    register: async (wanted, hold) => {
      const has = await shown.now();
      const { missing, surplus, wrong } = differences(wanted, has);
      for (const { name } of [...surplus, ...wrong])
        await begin(hold, () => client.removeHost(name, signal));
      for (const edge of missing)
        await begin(hold, () =>
          client.createHost(edge.name, attrsOf(edge, wanted, has.endpoints), signal),
        );
      shown.forget();
      return missing.length + surplus.length === 0
        ? `Icinga has its ${counted(wanted.edges.length, "host")}`
        : [
            ...(missing.length > 0 ? [`Icinga watches ${namesOf(missing)}`] : []),
            ...(surplus.length > 0 ? [`Icinga forgets ${namesOf(surplus)}`] : []),
          ].join("; ");
    },
    remove: async (channel, hold) => {
      const own = (await shown.now()).hosts.filter((host) => host.channel === channel);
      for (const { name } of own) await begin(hold, () => client.removeHost(name, signal));
      shown.forget();
      return own.length === 0 ? "Icinga had no hosts of it" : `Icinga forgets ${namesOf(own)}`;
    },
  };
}

async function lookAt(client: IcingaClient, signal: AbortSignal): Promise<Has> {
  const [hosts, endpoints] = await Promise.all([
    client.query({ ...ALL, type: "hosts", filter: "host.vars.glassline_channel" }, signal),
    client.query({ ...ALL, type: "endpoints", attrs: ["name"] }, signal),
  ]);
  return {
    hosts: hosts.flatMap((one) => hostIn(one) ?? []),
    endpoints: new Set(endpoints.map((one) => String(attrsIn(one)["name"]))),
  };
}

function hostIn(one: unknown): Host | undefined {
  const { name, vars, address } = attrsIn(one);
  if (!isRecord(vars)) return undefined;
  return { name: String(name), channel: String(vars["glassline_channel"]), vars, address };
}

const attrsIn = (one: unknown): Readonly<Record<string, unknown>> =>
  isRecord(one) && isRecord(one["attrs"]) ? one["attrs"] : {};

/** Apply rules are evaluated when a host is made: one that is wrong is made anew. */
function differences(wanted: MonitoredChannel, { hosts, endpoints }: Has) {
  const own = hosts.filter(({ channel }) => channel === wanted.channel);
  const isRight = (edge: MonitoredEdge) => {
    const host = own.find(({ name }) => name === edge.name);
    const { vars, address } = attrsOf(edge, wanted, endpoints);
    return host !== undefined && host.address === address && isDeepStrictEqual(host.vars, vars);
  };
  const missing = wanted.edges.filter((edge) => !isRight(edge));
  const isNamed = ({ name }: Host) => wanted.edges.some((edge) => edge.name === name);
  const surplus = own.filter((host) => !isNamed(host));
  const wrong = own.filter(({ name }) => missing.some((edge) => edge.name === name));
  return { missing, surplus, wrong };
}

/** An overlay is looked at from within: where Icinga has an endpoint that is called as the machine. */
function attrsOf(
  { name, host, port, overlay }: MonitoredEdge,
  { channel, stream }: MonitoredChannel,
  endpoints: Has["endpoints"],
) {
  const isInside = overlay && endpoints.has(overlay.machine);
  return {
    address: host,
    vars: {
      glassline_channel: channel,
      glassline: {
        edge: { name, port, streams: { [stream]: {} } },
        ...(isInside && {
          overlays: {
            [name]: {
              peers: overlay.peers,
              command_endpoint: overlay.machine,
              ...(overlay.mtu > 0 && { mtu: overlay.mtu }),
            },
          },
        }),
      },
    },
  };
}
