/** A viewer on one connection of HTTP/1.1 that asks for one thing after the other: as little work as can be. */
import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:net";

export interface Got {
  status: number;
  /** The value of Cache-Status. */
  how: string;
  body: string;
}

export class Viewer implements Disposable {
  readonly #socket: Socket;
  #chunks = "";
  #waiting: { resolve: (got: Got) => void; reject: (error: Error) => void } | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true).setEncoding("latin1");
    socket.on("data", (chunk: string) => this.#read(chunk));
    const cut = () => this.#waiting?.reject(new Error("a connection was cut"));
    socket.on("error", cut).on("close", cut);
  }

  static async to(port: number): Promise<Viewer> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new Viewer(socket);
  }

  /** Rejects when the connection is cut. */
  get(path: string): Promise<Got> {
    if (this.#socket.destroyed) return Promise.reject(new Error("a connection was cut"));
    return new Promise((resolve, reject) => {
      this.#chunks = "";
      this.#waiting = { resolve, reject };
      this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    });
  }

  [Symbol.dispose](): void {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #read(chunk: string): void {
    this.#chunks += chunk;
    const end = this.#chunks.indexOf("\r\n\r\n");
    if (end < 0 || !this.#waiting) return;
    const head = this.#chunks.slice(0, end);
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
    // Bodies that are still growing come in chunks.
    const isWhole =
      length === undefined
        ? this.#chunks.endsWith("0\r\n\r\n")
        : this.#chunks.length >= end + 4 + Number(length);
    if (!isWhole) return;
    const { resolve } = this.#waiting;
    this.#waiting = undefined;
    resolve({
      status: Number(head.slice(9, 12)),
      how: /\r\ncache-status: ([^\r]*)/i.exec(head)?.[1] ?? "",
      body: this.#chunks.slice(end + 4),
    });
  }
}
