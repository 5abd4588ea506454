/** The origin of the torture: it says what the world says, or nothing. */
import { once } from "node:events";
import type { Server } from "node:http";
import { createServer } from "node:http";

import type { World } from "./world.ts";

export interface TortureOrigin extends AsyncDisposable {
  isAway: boolean;
}

export async function startOrigin(world: World, port: number): Promise<TortureOrigin> {
  const server = createServer(({ url = "" }, response) => {
    const address = world.addressOf(url);
    if (origin.isAway || address === undefined) return void response.destroy();
    const body = world.bodyOf(address, world.now(address));
    response
      .setHeader("cache-control", "max-age=86400")
      .setHeader("cache-tag", world.tagOf(address));
    response.setHeader("content-length", body.length).end(body);
  });
  const origin: TortureOrigin = { isAway: false, [Symbol.asyncDispose]: () => close(server) };
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return origin;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
