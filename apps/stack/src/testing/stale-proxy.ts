/** Stands between an edge and its origin, and can keep telling the playlists that it told last. */
import { once } from "node:events";
import type { IncomingHttpHeaders } from "node:http";
import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

import type { Identity } from "@glassline/service/identity";

const HOST = "localhost";

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface StaleProxy extends Disposable {
  port: number;
  /** From now on playlists stay as they are. */
  freeze(): void;
  thaw(): void;
}

/** @param identities as whom it answers (the origin), and as whom it asks (an edge). */
export async function openStaleProxy(
  originPort: number,
  identities: { origin: Identity; edge: Identity },
): Promise<StaleProxy> {
  const playlists = new Map<string, Answer>();
  let isFrozen = false;
  const server = createServer(tls(identities.origin), async ({ url = "/" }, response) => {
    const kept = isFrozen ? playlists.get(url) : undefined;
    const answer = kept ?? (await ask(originPort, url, identities.edge));
    if (url.endsWith(".m3u8")) playlists.set(url, answer);
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  server.listen(0, HOST);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    freeze: () => void (isFrozen = true),
    thaw: () => void (isFrozen = false),
    [Symbol.dispose]: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function ask(port: number, path: string, edge: Identity): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: HOST, port, path, ...tls(edge) }, (got) => {
      buffer(got).then(
        (body) => resolve({ status: got.statusCode!, headers: got.headers, body }),
        reject,
      );
    });
    asked.on("error", reject).end();
  });
}

function tls({ ca, certificate, privateKey }: Identity) {
  return { ca, cert: certificate, key: privateKey, minVersion: "TLSv1.3" } as const;
}
