/** IPv4 networks as numbers. Pure. */
import type { Span } from "./spans.ts";

export interface Network {
  /** Of 32 bits. */
  address: number;
  prefix: number;
}

const CIDR = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/;

/** @param text "10.64.0.0/10". Throws RangeError: it is no network, or has bits behind its prefix. */
export function networkOf(text: string): Network {
  const [, ...digits] = CIDR.exec(text) ?? [];
  const [a = 256, b = 256, c = 256, d = 256, prefix = 33] = digits.map(Number);
  const isRight = prefix <= 32 && [a, b, c, d].every((octet) => octet <= 255);
  const address = ((a * 256 + b) * 256 + c) * 256 + d;
  if (!isRight || address % sizeOfNetwork(prefix) !== 0)
    throw new RangeError(
      `network: got ${JSON.stringify(text)}, expected one such as "10.64.0.0/10" with zeros behind its prefix`,
    );
  return { address, prefix };
}

export function networkText({ address, prefix }: Network): string {
  const octets = [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256);
  return `${octets.join(".")}/${prefix}`;
}

/** Addresses in a network. */
const sizeOfNetwork = (prefix: number): number => 2 ** (32 - prefix);

/** From its first address to its last one. */
export function addressesOf({ address, prefix }: Network): Span {
  return { first: address, last: address + sizeOfNetwork(prefix) - 1 };
}

/** Subnets of a pool have numbers: how manieth of its size each is, from 0.0.0.0 on. */
export function numbersOf({ address, prefix }: Network, subnetPrefix: number): Span {
  const size = sizeOfNetwork(subnetPrefix);
  const first = address / size;
  return { first, last: first + sizeOfNetwork(prefix) / size - 1 };
}

export function subnetOf(number: number, prefix: number): Network {
  return { address: number * sizeOfNetwork(prefix), prefix };
}

/** Numbers of all subnets that the addresses touch. */
export function numbersTouched({ first, last }: Span, subnetPrefix: number): Span {
  const size = sizeOfNetwork(subnetPrefix);
  return { first: Math.floor(first / size), last: Math.floor(last / size) };
}
