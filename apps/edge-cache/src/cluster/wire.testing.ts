/** A network between edges, for tests. */
import { once } from "node:events";
import type { AddressInfo, Server, Socket } from "node:net";
import { connect, createServer } from "node:net";

/** A way to a port that carries nothing any more when it is frozen. */
export class Wire implements AsyncDisposable {
  readonly #sockets: Socket[] = [];
  #server: Server | undefined;
  #isFrozen = false;

  async to(port: number): Promise<number> {
    this.#server = createServer((from) => {
      if (this.#isFrozen) from.pause();
      const onward = connect(port, "127.0.0.1");
      this.#sockets.push(from, onward);
      for (const socket of [from, onward]) socket.on("error", () => {});
      from.on("data", (chunk) => this.#isFrozen || onward.write(chunk));
      onward.on("data", (chunk) => this.#isFrozen || from.write(chunk));
    });
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  freeze(): void {
    this.#isFrozen = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server?.close();
  }
}
