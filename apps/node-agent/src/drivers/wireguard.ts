/** WireGuard below encrypted segments: the kernel's where it has it, else `wireguard-go`, set up by `wg`. */
import { rm, writeFile } from "node:fs/promises";

import { messageOf } from "@glassline/service/errors";

import { textOf } from "../core/address.ts";
import { readLinks, readRoute } from "../core/network-state.ts";
import type { MeshPeer } from "../core/wireguard.ts";
import {
  MESH_PREFIX_LENGTH,
  isConfigured,
  meshAddress,
  meshConfiguration,
  meshMtu,
} from "../core/wireguard.ts";
import type { WireGuardKey } from "../stores/wireguard-key.ts";
import type { NetworkPrograms } from "./network-programs.ts";

const OWNER_ONLY = 0o600;

export interface MeshReport {
  /** Empty: it is as wished. */
  problem: string;
  changes: number;
}

export interface Mesh {
  publicKey: string;
  /** Of its interface. */
  name(): string;
  /** Brings it to what is wished. */
  apply(peers: readonly MeshPeer[], group: string): Promise<MeshReport>;
}

export interface WireGuardOptions {
  programs: NetworkPrograms;
  key: WireGuardKey;
  /** Of the interface; at most 15 characters (IFNAMSIZ). */
  name: () => string;
  /** UDP, the same on all machines. */
  port: number;
  /** Where its configuration is for a moment. */
  file: string;
}

/** @returns why this machine has no WireGuard; undefined: it has. */
export async function lacksWireGuard(programs: NetworkPrograms): Promise<string | undefined> {
  if (!(await programs.has("wg"))) return 'got no program "wg", expected that of wireguard-tools';
  if (await programs.has("wireguard-go")) return undefined;
  const { failures } = await programs.batch("ip", [
    "link add name glwprobe type wireguard",
    "link delete dev glwprobe",
  ]);
  return failures.size === 0
    ? undefined
    : 'got no WireGuard in the kernel, expected it or the program "wireguard-go"';
}

export function wireGuard({ programs, key, name, port, file }: WireGuardOptions): Mesh {
  const { publicKey, privateKey } = key;
  const address = textOf({ ...meshAddress(publicKey), prefix: MESH_PREFIX_LENGTH });

  const find = async () => {
    const { outputs } = await programs.batch("ip", [`address show dev ${name()}`]);
    return readLinks(outputs.get(0) ?? "").get(name());
  };

  /** @returns the interface, made if it was not there. */
  const ensure = async () => {
    const found = await find();
    if (found) return { link: found, changes: 0 };
    const { failures } = await programs.batch("ip", [`link add name ${name()} type wireguard`]);
    if (failures.size > 0) await programs.wireguardGo(name());
    const made = await find();
    if (!made) throw new Error(`interface ${name()}: got none, expected it to be made`);
    return { link: made, changes: 1 };
  };

  const configure = async (peers: readonly MeshPeer[]) => {
    if (isConfigured(await programs.wg(["show", name(), "dump"]), publicKey, port, peers)) return 0;
    try {
      // `wg` cannot read a socket, which is what its standard input would be.
      await writeFile(file, meshConfiguration(privateKey, port, peers), { mode: OWNER_ONLY });
      await programs.wg(["syncconf", name(), file]);
    } finally {
      await rm(file, { force: true });
    }
    return 1;
  };

  return {
    publicKey,
    name,
    async apply(peers, group) {
      try {
        const { link, changes } = await ensure();
        const configured = await configure(peers);
        const mtu = await mtuFor(peers, programs);
        const set = (what: string) => `link set dev ${link.name} ${what}`;
        const lines = [
          ...(link.group === group ? [] : [set(`group ${group}`)]),
          ...(link.mtu === mtu ? [] : [set(`mtu ${mtu}`)]),
          ...(link.addresses.includes(address)
            ? []
            : [`address add ${address} dev ${link.name} nodad`]),
          ...(link.isUp ? [] : [set("up")]),
        ];
        const { failures } = await programs.batch("ip", lines);
        const [failed] = failures;
        return {
          problem: failed ? `WireGuard: ip ${lines[failed[0]]}: ${failed[1]}` : "",
          changes: changes + configured + lines.length,
        };
      } catch (error) {
        return { problem: `WireGuard: ${messageOf(error)}`, changes: 0 };
      }
    },
  };
}

/** What the narrowest way to a peer leaves, bytes. */
async function mtuFor(peers: readonly MeshPeer[], programs: NetworkPrograms): Promise<number> {
  const { outputs } = await programs.batch(
    "ip",
    peers.map(({ endpoint }) => `route get ${endpoint.text}`),
  );
  const routes = peers.flatMap(({ endpoint }, at) => {
    const route = readRoute(outputs.get(at) ?? "");
    return "device" in route ? [{ family: endpoint.family, route }] : [];
  });
  const devices = [...new Set(routes.map(({ route }) => route.device))];
  const links = await programs.batch(
    "ip",
    devices.map((device) => `link show dev ${device}`),
  );
  const mtus = new Map(
    devices.map((device, at) => [device, readLinks(links.outputs.get(at) ?? "").get(device)?.mtu]),
  );
  return meshMtu(
    routes.flatMap(({ family, route }) => {
      const mtu = route.mtu ?? mtus.get(route.device);
      return mtu === undefined ? [] : [{ family, mtu }];
    }),
  );
}
