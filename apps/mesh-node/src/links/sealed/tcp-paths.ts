/**
 * Datagrams over TCP, for networks that let no UDP through: each with its length before it, two bytes, big-endian. What they carry is sealed as over
 * UDP; strangers may connect, and what is kept of them is bounded.
 */
import { once } from "node:events";
import type { Server, Socket } from "node:net";
import { connect, createServer } from "node:net";

import { listenHttp } from "@glassline/service/listen-http";

import type { Address, Path } from "./opening-channel.ts";

const LENGTH_BYTES = 2;
/** More are refused. */
const PATHS_MAX = 1_024;
/** A link is never silent for so long. */
const SILENT_MAX_MS = 15_000;
/** For a stranger to show that he is none. */
const STRANGER_MAX_MS = 10_000;
/** More that waits is lost, as datagrams are. */
const WAITING_MAX_BYTES = 1_048_576;
/** Beyond the ports of UDP: addresses differ. */
const FIRST_NUMBER = 65_536;

export type TakeDatagram = (datagram: Buffer, from: Address) => void;

export class TcpPaths implements AsyncDisposable {
  readonly #take: TakeDatagram;
  readonly #dropped: (reason: string) => void;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #number = FIRST_NUMBER;

  constructor(take: TakeDatagram, dropped: (reason: string) => void) {
    [this.#take, this.#dropped] = [take, dropped];
  }

  /** Fails with OperatorError. @returns the port. */
  async listen(host: string, port: number): Promise<number> {
    const server = createServer({ noDelay: true }, (socket) => {
      if (this.#sockets.size < PATHS_MAX) return void this.#open(socket);
      this.#dropped("too_many_connections");
      socket.destroy();
    });
    this.#server = server;
    return listenHttp(server, "links over TCP (--tcp-port)", host, port);
  }

  /** Rejects when nobody listens there. */
  async connect(host: string, port: number, signal: AbortSignal): Promise<Address> {
    const socket = connect({ host, port, noDelay: true });
    try {
      await once(socket, "connect", { signal });
      return this.#open(socket);
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server?.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    await closed;
  }

  #open(socket: Socket): Address {
    const ended: (() => void)[] = [];
    const stranger = setTimeout(() => {
      this.#dropped("not_of_this_network");
      socket.destroy();
    }, STRANGER_MAX_MS);
    const path: Path = {
      send: (datagram) => this.#send(socket, datagram),
      keep: () => clearTimeout(stranger),
      onEnd: (call) => void ended.push(call),
      // What was said before still goes out.
      close: () => socket.destroySoon(),
    };
    const address = { address: socket.remoteAddress ?? "", port: this.#number++, path };
    this.#sockets.add(socket);
    socket.setTimeout(SILENT_MAX_MS, () => socket.destroy());
    socket.on("error", () => this.#dropped("connection_error"));
    socket.on("close", () => {
      clearTimeout(stranger);
      this.#sockets.delete(socket);
      for (const call of ended) call();
    });
    let rest: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      rest = cut(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]), (datagram) =>
        this.#take(datagram, address),
      );
    });
    return address;
  }

  #send(socket: Socket, datagram: Buffer): void {
    if (socket.writableLength > WAITING_MAX_BYTES) return this.#dropped("connection_slow");
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt16BE(datagram.length);
    // Those of one turn go together.
    if (socket.writableCorked === 0) {
      socket.cork();
      setImmediate(() => socket.uncork());
    }
    socket.write(length);
    socket.write(datagram);
  }
}

/** @returns what is no whole datagram yet: less than 64 KiB. */
function cut(bytes: Buffer, take: (datagram: Buffer) => void): Buffer {
  let at = 0;
  while (bytes.length - at >= LENGTH_BYTES) {
    const end = at + LENGTH_BYTES + bytes.readUInt16BE(at);
    if (end > bytes.length) break;
    take(bytes.subarray(at + LENGTH_BYTES, end));
    at = end;
  }
  return bytes.subarray(at);
}
