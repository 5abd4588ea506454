import { describe, expect, test } from "vitest";

import { contains, macOf, overlaps, readAddress, readNetwork, textOf } from "./address.ts";

describe("addresses", () => {
  test.each([
    ["10.77.0.1/24", "10.77.0.1/24"],
    ["FD47:0:0::1/64", "fd47::1/64"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["::/128", "::/128"],
  ])("%s is read as the kernel prints it", (text, expected) => {
    expect(textOf(readNetwork(text)!)).toBe(expected);
  });

  test.each([
    "10.77.1/24",
    "10.77.0.1/",
    "10.77.0.1/024",
    "10.77.0.1/-1",
    "fd47::1/129",
    "a/24",
    "/",
    "",
  ])("%j is no network", (text) => {
    expect(readNetwork(text)).toBeUndefined();
  });

  test("networks overlap when one lies in the other", () => {
    const [wide, inside, beside] = ["10.77.0.1/16", "10.77.255.9/24", "10.78.0.1/16"].map((text) =>
      readNetwork(text)!,
    );
    expect(overlaps(wide!, inside!)).toBe(true);
    expect(overlaps(inside!, wide!)).toBe(true);
    expect(overlaps(wide!, beside!)).toBe(false);
    expect(overlaps(readNetwork("::/0")!, wide!)).toBe(false);
    expect(contains(wide!, readAddress("10.77.255.255")!)).toBe(true);
    expect(contains(wide!, readAddress("10.78.0.0")!)).toBe(false);
    expect(contains(wide!, readAddress("::ffff:a4d:1")!)).toBe(false);
  });

  test("a MAC address follows from the last four bytes", () => {
    expect(macOf(readAddress("10.77.0.1")!)).toBe("02:47:0a:4d:00:01");
    expect(macOf(readAddress("fd47::12:ff34")!)).toBe("02:47:00:12:ff:34");
  });
});
