/** Addresses in the network of an overlay: one a machine, kept while it is there. Pure. */

/** "10.64.3.0/24", "fd47:1:2:3::/64": what the machines' addresses are made from. */
export interface Subnet {
  text: string;
  isIpv4: boolean;
}

/** The address of machine number n, from 1, with its prefix. Throws RangeError when the network has no more. */
export function hostOf({ text, isIpv4 }: Subnet, number: number): string {
  const [base = "", prefix = ""] = text.split("/");
  if (!isIpv4) return `${base}${number.toString(16)}/${prefix}`;
  const most = 2 ** (32 - Number(prefix)) - 2;
  if (number > most)
    throw new RangeError(`${text}: got machine number ${number}, expected at most ${most}`);
  const value = base.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0) + number;
  const bytes = [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256);
  return `${bytes.join(".")}/${prefix}`;
}

export const withoutPrefix = (address: string) => address.split("/")[0]!;

/** "192.0.2.1:7601", "[fd47::1]:7601": the host without brackets. Undefined: it is none. */
export function hostAndPort(text: string): { host: string; port: number } | undefined {
  const [, inner, plain, port] = /^(?:\[([^\]]+)\]|([^\]:]+)):(\d+)$/.exec(text) ?? [];
  const host = inner ?? plain;
  return host === undefined ? undefined : { host, port: Number(port) };
}

/** For a URL. */
export const inUrl = (address: string) => (address.includes(":") ? `[${address}]` : address);

/** Numbers stay with their holders; new ones get the lowest that are free. From 1. */
export function numbered(
  holders: readonly string[],
  known: ReadonlyMap<string, number>,
): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const holder of holders) {
    const number = known.get(holder);
    if (number !== undefined) numbers.set(holder, number);
  }
  const taken = new Set(numbers.values());
  let next = 1;
  for (const holder of holders) {
    if (numbers.has(holder)) continue;
    while (taken.has(next)) next++;
    taken.add(next);
    numbers.set(holder, next);
  }
  return numbers;
}
