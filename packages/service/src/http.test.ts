/** Routes by the types of the Fetch standard, on a real admin server. */
import { expect, onTestFinished, test, vi } from "vitest";

import { RpcError } from "@glassline/proto/errors";
import type { FetchRoute } from "./http.ts";
import { createHttpServer, mountJson, startAdmin } from "./http.ts";
import { createMetrics } from "./metrics.ts";

async function startRoute(fetch: FetchRoute["fetch"]): Promise<URL> {
  const settings = { host: "127.0.0.1", adminPort: 0, allowedHost: [] };
  const route: FetchRoute = { path: "/route", methods: ["GET", "POST"], bodyMaxBytes: 10, fetch };
  const fetchRoutes = [route];
  const admin = await startAdmin(settings, createMetrics("test").registry, { fetchRoutes });
  onTestFinished(() => admin[Symbol.asyncDispose]());
  return new URL(`http://127.0.0.1:${admin.port}/route`);
}

test("a request comes as it was sent, and its answer goes as it is", async () => {
  const url = await startRoute(async (request) => {
    const shown = { path: new URL(request.url).pathname, of: request.headers.get("x-of") };
    const status = request.method === "POST" ? 201 : 200;
    return Response.json({ ...shown, body: await request.text() }, { status });
  });
  const post = await fetch(url, { method: "POST", body: "{not json", headers: { "x-of": "anna" } });
  expect([post.status, await post.json()]).toEqual([
    201,
    { path: "/route", of: "anna", body: "{not json" },
  ]);
  const get = await fetch(url);
  expect([get.status, await get.json()]).toEqual([200, { path: "/route", of: null, body: "" }]);
});

test("an answer that does not come is told to be late, before the connection is closed", async () => {
  const server = createHttpServer();
  onTestFinished(() => server.close());
  const never = ({ signal }: { signal: AbortSignal }) =>
    new Promise<never>((_, reject) =>
      signal.addEventListener("abort", () => reject(new RpcError("canceled", "was given up"))),
    );
  mountJson(server, [{ path: "/never", handle: (_, context) => never(context) }], "", 50);
  const url = await server.listen({ host: "127.0.0.1", port: 0 });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${url}/never`, { method: "POST", body: "{}", headers });
  expect(answer.status).toBe(504);
  expect(await answer.json()).toMatchObject({ code: "deadline_exceeded" });
});

test("other methods, larger bodies and pages of others are refused; other routes stay JSON", async () => {
  const handle = vi.fn(async () => new Response());
  const url = await startRoute(handle);
  const status = async (options: RequestInit, to = url) => (await fetch(to, options)).status;
  expect(await status({ method: "DELETE" })).toBe(404);
  expect(await status({ method: "POST", body: "x".repeat(11) })).toBe(413);
  expect(await status({ headers: { origin: "https://evil.example" } })).toBe(403);
  expect(await status({}, new URL("/livez", url))).toBe(200);
  expect(handle).not.toHaveBeenCalled();
});

test("a body can be streamed, and its end is known when the caller has gone", async () => {
  let gone = false;
  const url = await startRoute(async ({ signal }) => {
    signal.addEventListener("abort", () => (gone = true));
    const first = new TextEncoder().encode("first");
    return new Response(new ReadableStream({ start: (to) => to.enqueue(first) }));
  });
  const leave = new AbortController();
  const { body } = await fetch(url, { signal: leave.signal });
  const { value } = await body!.getReader().read();
  expect(new TextDecoder().decode(value)).toBe("first");
  expect(gone).toBe(false);
  leave.abort();
  await vi.waitFor(() => expect(gone).toBe(true), { timeout: 10_000 });
});
