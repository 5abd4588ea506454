import { describe, expect, test } from "vitest";

import { readAddress } from "./address.ts";
import { isConfigured, isInMesh, meshAddress, meshConfiguration, meshMtu } from "./wireguard.ts";

const OWN = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=";
const PEER = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
const peers = [{ publicKey: PEER, endpoint: readAddress("192.0.2.2")! }];
const DUMP = [
  `secret\t${OWN}\t51820\toff`,
  `${PEER}\t(none)\t192.0.2.2:51820\t${meshAddress(PEER).text}/128\t0\t0\t0\toff`,
].join("\n");

describe("the mesh of WireGuard", () => {
  test("gives each key an address of its own", () => {
    expect(meshAddress(PEER).text).toBe("fd47:6c77:6700:c532:103:9adb:a14b:e71f");
    expect(isInMesh(meshAddress(OWN).text)).toBe(true);
    expect(isInMesh("fd47:6c78::1")).toBe(false);
    expect(isInMesh("")).toBe(false);
  });

  test("is configured by a key, a port and where the peers are", () => {
    expect(meshConfiguration("secret", 51_820, peers)).toBe(
      `[Interface]\nPrivateKey = secret\nListenPort = 51820\n\n[Peer]\nPublicKey = ${PEER}\nAllowedIPs = ${meshAddress(PEER).text}/128\nEndpoint = 192.0.2.2:51820\n`,
    );
    const six = [{ publicKey: PEER, endpoint: readAddress("2001:db8::2")! }];
    expect(meshConfiguration("secret", 1, six)).toContain("Endpoint = [2001:db8::2]:1\n");
  });

  test("is left alone when it is as wished", () => {
    expect(isConfigured(DUMP, OWN, 51_820, peers)).toBe(true);
    expect(isConfigured(DUMP, OWN, 51_821, peers)).toBe(false);
    expect(isConfigured(DUMP, PEER, 51_820, peers)).toBe(false);
    expect(isConfigured(DUMP, OWN, 51_820, [])).toBe(false);
    expect(isConfigured(DUMP.replace("192.0.2.2", "192.0.2.3"), OWN, 51_820, peers)).toBe(false);
    expect(isConfigured("", OWN, 51_820, [])).toBe(false);
  });

  test("leaves what the narrowest way leaves", () => {
    expect(meshMtu([])).toBe(1_420);
    expect(meshMtu([{ family: "ipv4", mtu: 1_500 }])).toBe(1_440);
    expect(
      meshMtu([
        { family: "ipv4", mtu: 1_500 },
        { family: "ipv6", mtu: 1_500 },
        { family: "ipv4", mtu: 9_000 },
      ]),
    ).toBe(1_420);
  });
});
