/** HTTP/2 frame by frame, for what client libraries refuse to send. */
import { once } from "node:events";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { connect } from "node:tls";

export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  window: 8,
} as const;
export const FLAG = { endStream: 1, endHeaders: 4 } as const;
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEAD_BYTES = 9;

export interface Frame {
  type: number;
  flags: number;
  stream: number;
  payload: Buffer;
}

/** RFC 9113 section 4.1. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Literals that are not indexed (RFC 7541 section 6.2.2). @param lines of at most 126 characters each. */
export function fieldBlock(lines: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(
    lines.flatMap(([name, value]) => [
      Buffer.from([0, name.length]),
      Buffer.from(name, "latin1"),
      Buffer.from([value.length]),
      Buffer.from(value, "latin1"),
    ]),
  );
}

export const asks = (path: string, method = "GET"): [string, string][] => [
  [":method", method],
  [":scheme", "https"],
  [":authority", "localhost"],
  [":path", path],
];

/** Resolves when it is closed, with an error or without. */
export const closedOf = (socket: Socket): Promise<unknown> =>
  new Promise((resolve) => (socket.closed ? resolve(undefined) : socket.once("close", resolve)));

export interface RawH2 extends AsyncDisposable {
  socket: TLSSocket;
  frames: Frame[];
  send(...frames: Buffer[]): void;
  /** Resolves with the first frame that fits, also one that has come already; rejects when the connection ends before. */
  got(fits: (frame: Frame) => boolean): Promise<Frame>;
  ended: Promise<unknown>;
}

/** @param settings as identifiers and values in turn (section 6.5.1). */
export async function rawH2(port: number, settings: readonly number[] = []): Promise<RawH2> {
  const socket = connect({
    port,
    host: "127.0.0.1",
    ALPNProtocols: ["h2"],
    rejectUnauthorized: false,
  });
  socket.on("error", () => {});
  await once(socket, "secureConnect");
  const frames: Frame[] = [];
  let rest = Buffer.alloc(0);
  const waiting = new Set<() => void>();
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= HEAD_BYTES && rest.length >= HEAD_BYTES + rest.readUIntBE(0, 3)) {
      const end = HEAD_BYTES + rest.readUIntBE(0, 3);
      const [type, flags, stream] = [rest[3]!, rest[4]!, rest.readUInt32BE(5)];
      frames.push({ type, flags, stream, payload: rest.subarray(HEAD_BYTES, end) });
      rest = rest.subarray(end);
    }
    for (const wake of waiting) wake();
  });
  const ended = closedOf(socket);
  socket.once("close", () => waiting.forEach((wake) => wake()));
  const payload = Buffer.alloc(settings.length * 3);
  for (let at = 0; at < settings.length; at += 2) {
    payload.writeUInt16BE(settings[at]!, at * 3);
    payload.writeUInt32BE(settings[at + 1]!, at * 3 + 2);
  }
  socket.write(Buffer.concat([Buffer.from(PREFACE), frame(FRAME.settings, 0, 0, payload)]));
  return {
    socket,
    frames,
    ended,
    send: (...all) => socket.write(Buffer.concat(all)),
    got: async (fits) => {
      for (;;) {
        const found = frames.find(fits);
        if (found) return found;
        if (socket.closed) throw new Error("the connection has ended");
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.add(resolve);
        await promise;
        waiting.delete(resolve);
      }
    },
    [Symbol.asyncDispose]: async () => {
      socket.destroy();
      if (!socket.closed) await ended;
    },
  };
}
