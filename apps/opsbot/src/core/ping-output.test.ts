import { expect, test } from "vitest";

import { mtuHint, parsePing, unreachableReason } from "./ping-output.ts";

test("what ping prints is read: packets, the round trip, and the kind of address", () => {
  const six = `PING ::1(::1) 56 data bytes

--- ::1 ping statistics ---
2 packets transmitted, 2 received, 0% packet loss, time 208ms
rtt min/avg/max/mdev = 0.020/0.028/0.036/0.008 ms
`;
  expect(parsePing(six)).toEqual({ sent: 2, received: 2, roundTripMs: 0.028, family: 6 });
  const lost = `PING 127.0.0.1 (127.0.0.1) 1422(1450) bytes of data.

--- 127.0.0.1 ping statistics ---
3 packets transmitted, 0 received, +3 errors, 100% packet loss, time 204ms
`;
  expect(parsePing(lost)).toEqual({ sent: 3, received: 0, roundTripMs: undefined, family: 4 });
  const doubled = `PING a (10.0.0.1) 56(84) bytes of data.
2 packets transmitted, 2 received, +2 duplicates, 0% packet loss, time 1ms
rtt min/avg/max/mdev = 1/2.5/3/1 ms
`;
  expect(parsePing(doubled)).toMatchObject({ received: 2, roundTripMs: 2.5, family: 4 });
  expect(parsePing("")).toBeUndefined();
});

test("what a way is said to carry is read in both of ping's forms", () => {
  expect(mtuHint("ping: local error: message too long, mtu=1400")).toBe(1_400);
  expect(mtuHint("From 10.0.0.1 icmp_seq=1 Frag needed and DF set (mtu = 1350)")).toBe(1_350);
  expect(mtuHint("nothing")).toBeUndefined();
});

test("a peer that cannot be reached is told from a ping that does not work", () => {
  expect(unreachableReason("ping: x: Name or service not known")).toBe("Name or service not known");
  expect(unreachableReason("ping: socket: Operation not permitted")).toBeUndefined();
});
