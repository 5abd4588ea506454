/** Ports of this machine. */
import { connect, createServer } from "node:net";

/**
 * Below the range from which systems take ports for connections: one of those could take a port meanwhile. Of so many
 * that programs that ask beside each other seldom get the same.
 */
const LEAST_PORT = 10_000;
const PORTS = 22_000;

/** Given to nobody twice, even if the first one has not listened yet. */
const given = new Set<number>();

/** Ports that nobody listened on a moment ago, one behind the other. */
export async function freePorts(count: number): Promise<number[]> {
  for (;;) {
    const first = LEAST_PORT + Math.floor(Math.random() * (PORTS - count));
    const ports = Array.from({ length: count }, (_, at) => first + at);
    if (ports.some((port) => given.has(port))) continue;
    if (!(await Promise.all(ports.map(isFree))).every(Boolean)) continue;
    for (const port of ports) given.add(port);
    return ports;
  }
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port!;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** Whether somebody listens. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
