import { expect, test } from "vitest";

import { hostAndPort, inUrl } from "./addresses.ts";

test.each(["192.0.2.1", "fd47:4c00::1", "machine-1.example", "localhost"])(
  "a port behind %s is told from its host",
  (host) => {
    expect(hostAndPort(`${inUrl(host)}:7601`)).toEqual({ host, port: 7_601 });
  },
);

test.each(["", "localhost", "fd47:4c00::1", "[fd47::1", ":7601"])(
  "%j names no host with a port",
  (text) => {
    expect(hostAndPort(text)).toBeUndefined();
  },
);
