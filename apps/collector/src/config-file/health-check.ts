/** The extension health_check: answers 200 while the collector runs. /readyz of --admin-port tells the same and more. */
import { createHttpServer, listen } from "@glassline/service/http";

import type { HealthCheck } from "./extensions.ts";

export async function startHealthCheck({
  host,
  port,
  path,
}: HealthCheck): Promise<AsyncDisposable> {
  const server = createHttpServer();
  server.get(path, () => ({ status: "Server available" }));
  await listen(server, "health_check", host, port);
  return { [Symbol.asyncDispose]: async () => void (await server.close()) };
}
