/** MCP by Streamable HTTP, a request at a time: nothing is kept between two. */
import type { FetchRoute } from "@glassline/service/http";
import type { McpHttpHandler } from "@modelcontextprotocol/server";

import type { AccessRole, Caller, Desk } from "../desk.ts";

const BODY_MAX_BYTES = 65_536;
const SUBSCRIPTIONS_MAX = 16;
const CHALLENGE = { "www-authenticate": 'Bearer realm="glassline-opsbot"' };

export interface McpHttpDeps {
  desk: Desk;
  /** Who asks, by what they show; undefined: nobody who may. */
  authorize(request: Request): Caller | undefined;
}

export interface McpRoute extends FetchRoute, AsyncDisposable {}

/** For the admin port, which has looked at Host and Origin. */
export function mcpRoute({ desk, authorize }: McpHttpDeps): McpRoute {
  let handler: Promise<McpHttpHandler> | undefined;
  return {
    path: "/mcp",
    methods: ["GET", "POST", "DELETE"],
    bodyMaxBytes: BODY_MAX_BYTES,
    fetch: async (request) => {
      const caller = authorize(request);
      if (!caller) return unknownCaller();
      const { who, role } = caller;
      const { fetch } = await (handler ??= openHandler(desk));
      return fetch(request, { authInfo: { token: "", clientId: who, scopes: [role] } });
    },
    [Symbol.asyncDispose]: async () => (await handler)?.close(),
  };
}

/** The SDK takes 10 MB: it is loaded when somebody asks. */
async function openHandler(desk: Desk): Promise<McpHttpHandler> {
  const [{ createMcpHandler }, { mcpServer }] = await Promise.all([
    import("@modelcontextprotocol/server"),
    import("./server.ts"),
  ]);
  return createMcpHandler(
    ({ authInfo }) => {
      const [role] = authInfo?.scopes ?? [];
      if (!authInfo || role === undefined) throw new Error("got no caller, expected one");
      return mcpServer(async () => desk, { who: authInfo.clientId, role: role as AccessRole });
    },
    { maxRequestBodySize: BODY_MAX_BYTES, maxSubscriptions: SUBSCRIPTIONS_MAX },
  );
}

function unknownCaller(): Response {
  const body = { code: "unauthenticated", message: "authorization: expected a bearer token" };
  return Response.json(body, { status: 401, headers: CHALLENGE });
}
