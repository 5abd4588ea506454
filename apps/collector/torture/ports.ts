/** Ports for a server that comes and goes. */
import { createServer } from "node:net";

/** Below the range from which systems take ports for outgoing connections: one of these could take the port meanwhile. */
const LEAST_PORT = 20_000;
const PORTS = 12_000;

/** Ports that nobody listened on a moment ago, one behind the other. */
export async function steadyPorts(count: number): Promise<number[]> {
  for (;;) {
    const first = LEAST_PORT + Math.floor(Math.random() * (PORTS - count));
    const ports = Array.from({ length: count }, (_, at) => first + at);
    const free = await Promise.all(ports.map(isFree));
    if (free.every(Boolean)) return ports;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
