/** What is on a machine, as `ip -json` and `bridge -json` tell it. Pure. */
import { readAddress, readNetwork, textOf } from "./address.ts";

export interface Link {
  name: string;
  /** Renewed when an interface is made anew. */
  index: number;
  /** "vxlan", "bridge", or "" of a device. */
  kind: string;
  group: string;
  alias: string;
  mtu: number;
  mac: string;
  isUp: boolean;
  /** Name of the bridge that it is a port of. */
  master: string;
  /** "10.77.0.1/24", those of the link alone left out. */
  addresses: readonly string[];
  vxlan: { vni: number; port: number; isLearning: boolean; local: string } | undefined;
  /** As a port of its bridge. */
  port: PortFlags | undefined;
}

export interface PortFlags {
  isLearning: boolean;
  /** Frames for one machine that the bridge does not know leave by it. */
  isFlooding: boolean;
  /** Frames of other isolated ports do not leave by it. */
  isIsolated: boolean;
}

/** An entry of a bridge's forwarding table: frames for the MAC address leave by the port. */
export interface Placement {
  link: string;
  mac: string;
}

/** An entry of a VXLAN interface's forwarding table: frames for the MAC address go to the underlay address. */
export interface Forwarding {
  link: string;
  mac: string;
  underlay: string;
}

/** How packets leave for an address. */
export interface Route {
  device: string;
  /** Their source address. */
  local: string;
  /** Bytes, where the route has one of its own. */
  mtu: number | undefined;
  /** It leads to the machine itself. */
  isLocal: boolean;
}

export interface Observed {
  links: ReadonlyMap<string, Link>;
  forwarding: readonly Forwarding[];
  placements: readonly Placement[];
  /** By underlay address; what went wrong where there is none. */
  routes: ReadonlyMap<string, Route | { problem: string }>;
}

/** All programs of iproute2 print what they know, and leave out the rest. */
type Json = Readonly<Record<string, unknown>>;

/** @param json of `ip -details -json address show`. */
export function readLinks(json: string): ReadonlyMap<string, Link> {
  return new Map(listOf(json).map((each) => [textIn(each, "ifname"), linkOf(each)]));
}

function linkOf(each: Json): Link {
  const information = recordIn(each, "linkinfo");
  const kind = textIn(information, "info_kind");
  const data = recordIn(information, "info_data");
  return {
    name: textIn(each, "ifname"),
    index: numberIn(each, "ifindex"),
    kind,
    group: textIn(each, "group"),
    alias: textIn(each, "ifalias"),
    mtu: numberIn(each, "mtu"),
    mac: textIn(each, "address"),
    isUp: arrayIn(each, "flags").includes("UP"),
    master: textIn(each, "master"),
    addresses: arrayIn(each, "addr_info").filter(isRecord).flatMap(addressOf),
    vxlan:
      kind === "vxlan"
        ? {
            vni: numberIn(data, "id"),
            port: numberIn(data, "port"),
            isLearning: data["learning"] !== false,
            local: readAddress(textIn(data, "local6") || textIn(data, "local"))?.text ?? "",
          }
        : undefined,
    port: textIn(information, "info_slave_kind") === "bridge" ? portOf(information) : undefined,
  };
}

function portOf(information: Json): PortFlags {
  const data = recordIn(information, "info_slave_data");
  return {
    isLearning: data["learning"] === true,
    isFlooding: data["flood"] === true,
    isIsolated: data["isolated"] === true,
  };
}

function addressOf(each: Json): string[] {
  const network = readNetwork(`${textIn(each, "local")}/${numberIn(each, "prefixlen")}`);
  return network && each["scope"] !== "link" ? [textOf(network)] : [];
}

/** @param json of `bridge -json fdb show`. What bridges learned, and the kernel's own entries, are left out. */
export function readForwarding(json: string): Pick<Observed, "forwarding" | "placements"> {
  const forwarding: Forwarding[] = [];
  const placements: Placement[] = [];
  for (const each of listOf(json)) {
    const entry = { link: textIn(each, "ifname"), mac: textIn(each, "mac") };
    const underlay = "dst" in each ? readAddress(textIn(each, "dst"))?.text : undefined;
    if (underlay !== undefined) forwarding.push({ ...entry, underlay });
    else if ("master" in each && each["state"] === "static") placements.push(entry);
  }
  return { forwarding, placements };
}

/** @param json of one `ip -json route get`. */
export function readRoute(json: string): Route | { problem: string } {
  const [route] = listOf(json);
  if (!route) return { problem: "no route" };
  const metrics = arrayIn(route, "metrics").filter(isRecord);
  return {
    device: textIn(route, "dev"),
    local: readAddress(textIn(route, "prefsrc"))?.text ?? "",
    mtu: metrics.map((each) => numberIn(each, "mtu")).find((mtu) => mtu > 0),
    isLocal: route["type"] === "local",
  };
}

/** What it prints for nothing is "[{}]" or an empty text. */
function listOf(json: string): Json[] {
  const value: unknown = json.trim() === "" ? [] : JSON.parse(json);
  const list = Array.isArray(value) ? value.filter(isRecord) : [];
  return list.filter((each) => Object.keys(each).length > 0);
}

function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function recordIn(record: Json, key: string): Json {
  const value = record[key];
  return isRecord(value) ? value : {};
}

function arrayIn(record: Json, key: string): unknown[] {
  const value = record[key];
  return Array.isArray(value) ? value : [];
}

const textIn = (record: Json, key: string) => String(record[key] ?? "");
const numberIn = (record: Json, key: string) => Number(record[key] ?? 0);
