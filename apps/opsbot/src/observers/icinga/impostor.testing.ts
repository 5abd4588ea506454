/** A server that says that it is Icinga, and answers as a test says. */
import { once } from "node:events";
import type { RequestListener } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";

import { ephemeralPki } from "@glassline/service/pki";

import type { IcingaSettings } from "./settings.ts";

export interface Impostor extends AsyncDisposable {
  settings: IcingaSettings;
}

export async function startImpostor(listener: RequestListener): Promise<Impostor> {
  const issue = await ephemeralPki();
  const { certificate, privateKey, ca } = await issue({ role: "operator", instance: "impostor" });
  const server = createServer({ cert: certificate, key: privateKey }, listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    settings: {
      url: `https://127.0.0.1:${port}`,
      user: "root",
      password: "secret",
      ca,
      certificate: undefined,
      key: undefined,
      nodeName: "localhost",
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
