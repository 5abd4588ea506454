/** OpsBot for a local MCP client: stdio on this side, gRPC with the operator's certificate on the other. */
import { finished } from "node:stream/promises";

import type { ConfigOf } from "@glassline/config";
import { ConfigError, readConfig } from "@glassline/config";
import { messageOf } from "@glassline/service/errors";
import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";

import { mcpServer } from "./mcp/server.ts";
import { operatorClient, operatorOptions } from "./operator-client.ts";
import { remoteDesk } from "./remote-desk.ts";

/** After sysexits.h. */
const EXIT = { usage: 64, unavailable: 69 } as const;
const MESSAGE_MAX_BYTES = 1_048_576;

const program = {
  name: "mcp",
  command: "npm run mcp -w @glassline/opsbot --",
  purpose:
    "An MCP server on stdin and stdout, for a client that starts it. It asks a running OpsBot.",
  environmentPrefix: "GLASSLINE_MCP",
  spec: operatorOptions,
};

try {
  const result = readConfig(program);
  if ("help" in result) process.stdout.write(result.help);
  else await serve(result.config);
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = error instanceof ConfigError ? EXIT.usage : EXIT.unavailable;
}

/** Until the client closes its end. What is asked while OpsBot is away fails in words; the next question may be answered. */
async function serve(config: ConfigOf<typeof program.spec>): Promise<void> {
  using client = await operatorClient(config, { isLasting: true });
  const transport = new StdioServerTransport(process.stdin, process.stdout, {
    maxBufferSize: MESSAGE_MAX_BYTES,
  });
  const onerror = (error: Error) => void process.stderr.write(`${messageOf(error)}\n`);
  // OpsBot knows by the certificate what its bearer may.
  const caller = { who: "operator local", role: "admin" } as const;
  const handle = serveStdio(() => mcpServer(() => remoteDesk(client), caller), {
    transport,
    onerror,
  });
  await finished(process.stdin, { writable: false }).catch(onerror);
  await handle.close();
}
