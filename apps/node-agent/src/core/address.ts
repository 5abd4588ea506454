/** Addresses and networks, in one form each: as the kernel prints them. Pure. */
import ipaddr from "ipaddr.js";

export type Family = "ipv4" | "ipv6";

export interface Address {
  family: Family;
  text: string;
  value: bigint;
}

export interface Network extends Address {
  prefix: number;
  /** The first and the last address. */
  first: bigint;
  last: bigint;
}

const BITS: Readonly<Record<Family, bigint>> = { ipv4: 32n, ipv6: 128n };
/** Very many are read: this is what ipaddr.js takes for one too, without a zero at the beginning of a part. */
const IPV4 = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;
const PREFIX = /^(?<address>[^/]+)\/(?<prefix>0|[1-9]\d{0,2})$/;

/** @returns undefined for what is no address, or has a zone. */
export function readAddress(text: string): Address | undefined {
  const ipv4 = IPV4.exec(text);
  if (ipv4) return ipv4Of(text, ipv4.slice(1).map(Number));
  if (text.includes("%") || !ipaddr.IPv6.isValid(text)) return undefined;
  const parsed = ipaddr.IPv6.parse(text);
  return {
    family: "ipv6",
    text: parsed.toString(),
    value: parsed.toByteArray().reduce((value, byte) => value * 256n + BigInt(byte), 0n),
  };
}

function ipv4Of(text: string, bytes: readonly number[]): Address | undefined {
  if (bytes.some((byte) => byte > 255)) return undefined;
  const value = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  return { family: "ipv4", text, value: BigInt(value) };
}

/** "10.77.0.1/24": an address and the network that it lies in. */
export function readNetwork(text: string): Network | undefined {
  const { address = "", prefix = "" } = PREFIX.exec(text)?.groups ?? {};
  const parsed = readAddress(address);
  if (!parsed) return undefined;
  const free = BITS[parsed.family] - BigInt(prefix);
  if (free < 0n) return undefined;
  const first = (parsed.value >> free) << free;
  return { ...parsed, prefix: Number(prefix), first, last: first + (1n << free) - 1n };
}

/** The address alone: its network has no other. */
export function hostOf({ family, text, value }: Address): Network {
  return { family, text, value, prefix: Number(BITS[family]), first: value, last: value };
}

export const textOf = ({ text, prefix }: Pick<Network, "text" | "prefix">) => `${text}/${prefix}`;

/** @returns "unicast", "private", "loopback", "multicast" and so on. */
export const rangeOf = ({ text }: Address): string => ipaddr.parse(text).range();

export function contains(network: Network, { family, value }: Address): boolean {
  return family === network.family && value >= network.first && value <= network.last;
}

export function overlaps(one: Network, other: Network): boolean {
  return one.family === other.family && one.first <= other.last && other.first <= one.last;
}

/** Locally administered (RFC 7042 section 2.1), and "G"; then the last four bytes of the address. */
export function macOf({ value }: Address): string {
  const bytes = [0x02n, 0x47n, ...[24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn)];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
