import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { clientOf } from "./client-address.ts";
import { RequestRates } from "./request-rates.ts";

describe("a client is", () => {
  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002::9", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:db8:1:2::", "2001:db8:1:2::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["", ""],
  ])("of %s: %s", (address, client) => {
    expect(clientOf(address)).toBe(client);
  });
});

describe("request rates", () => {
  test("give a burst, then so many a second, to each client for itself", () => {
    const rates = new RequestRates<string>({ perSecond: 10, burst: 3, clientsMax: 100 });
    const takes = (count: number, nowMs: number) =>
      Array.from({ length: count }, () => Math.round(rates.take("a", nowMs)));
    expect(takes(4, 1_000)).toEqual([0, 0, 0, 100]);
    expect(rates.take("b", 1_000)).toBe(0);
    expect(takes(2, 1_060)).toEqual([40, 40]);
    expect(takes(2, 1_100)).toEqual([0, 100]);
    expect(takes(5, 9_000)).toEqual([0, 0, 0, 100, 100]);
  });

  test("never give more than burst and rate together, whatever the times", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 200 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 50 }),
        (pauses, burst, perSecond) => {
          const rates = new RequestRates<string>({ perSecond, burst, clientsMax: 1 });
          let [nowMs, given] = [5, 0];
          for (const pause of pauses) {
            nowMs += pause;
            if (rates.take("a", nowMs) === 0) given++;
          }
          expect(given).toBeLessThanOrEqual(burst + ((nowMs - 5) * perSecond) / 1_000 + 1e-6);
        },
      ),
    );
  });

  test("know so many clients at most; those with a full bucket go first", () => {
    const rates = new RequestRates<number>({ perSecond: 1, burst: 2, clientsMax: 10 });
    for (let client = 0; client < 10; client++) rates.take(client, 0);
    rates.take(0, 0);
    for (let client = 10; client < 1_000; client++) rates.take(client, 500);
    expect(rates.clients).toBe(10);
    rates.forget(999);
    expect(rates.clients).toBe(9);
    const later = new RequestRates<number>({ perSecond: 1, burst: 2, clientsMax: 3 });
    for (const client of [1, 1, 2, 3]) later.take(client, 0);
    // 2 and 3 are full again, 1 is not.
    expect(later.take(4, 1_500)).toBe(0);
    expect(later.take(1, 1_500)).toBe(0);
    expect(later.take(1, 1_500)).toBeGreaterThan(0);
  });
});
