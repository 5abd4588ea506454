/** The watch page of a channel, and what it may play. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import { watchPage } from "../core/watch-page.ts";
import { watchedBy } from "../watching.ts";
import { watchPolicy } from "./headers.ts";
import type { PageDeps } from "./pages.ts";
import { sendPage, sendProblem } from "./pages.ts";

interface ChannelRequest {
  Params: { channel: string };
}

export function mountWatch(server: FastifyInstance, deps: PageDeps): void {
  server.get<ChannelRequest>("/watch/:channel", (request, reply) => page(request, reply, deps));
  server.get<ChannelRequest>("/watch/:channel/stream", (request, reply) =>
    stream(request, reply, deps),
  );
  server.get<ChannelRequest>("/watch/:channel/icon.png", ({ params }, reply) => {
    const channel = deps.store.channel(params.channel);
    if (!channel) return sendProblem(reply, "no_page", deps);
    const { base64 } = deps.materials.iconOf(channel);
    return reply.header("content-type", "image/png").send(Buffer.from(base64, "base64"));
  });
}

/** The same for everybody: who may watch is asked by the page, with the token that is in its fragment. */
function page(
  { params }: FastifyRequest<ChannelRequest>,
  reply: FastifyReply,
  deps: PageDeps,
): FastifyReply {
  const channel = deps.store.channel(params.channel);
  if (!channel) return sendProblem(reply, "no_page", deps);
  deps.metrics.pages.inc({ page: "watch", status: "200" });
  const below = `/watch/${channel.name}`;
  const text = watchPage({
    streamPath: `${below}/stream`,
    iconPath: `${below}/icon.png`,
    title: channel.title,
    assets: deps.paths,
  });
  const edges = channel.edges.map(({ publicUrl }) => publicUrl);
  return sendPage(reply, 200, text, watchPolicy(edges));
}

function stream(
  { params, headers }: FastifyRequest<ChannelRequest>,
  reply: FastifyReply,
  deps: PageDeps,
): FastifyReply {
  const watched = watchedBy(deps, params.channel, headers.authorization);
  if (!("problem" in watched)) return reply.send(watched);
  deps.metrics.refused.inc({ reason: watched.problem });
  return reply.code(watched.problem === "no_token" ? 401 : 403).send(watched);
}
