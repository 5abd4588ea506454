/** Who asks, as far as its address tells. Pure. */

/**
 * One name for all addresses that one client may choose from: an IPv4 address itself, of an IPv6 address its network of 64 bits
 * (RFC 6177: a site has at least one).
 * @param address as a socket tells it: "192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1".
 */
export function clientOf(address: string): string {
  if (!address.includes(":")) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1]!;
  const [head = "", tail] = address.replace(/%.*$/, "").toLowerCase().split("::", 2);
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array.from({ length: zeros }, () => "0"), ...after];
  const network = groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ""));
  return `${network.join(":")}::/64`;
}
