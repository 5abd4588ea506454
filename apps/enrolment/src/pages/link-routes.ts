/** An enrolment link: its page, the button that uses it, and the profile. */
import { RpcError } from "@glassline/proto/errors";
import { messageOf } from "@glassline/service/errors";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import { enrolmentPage } from "../core/enrolment-page.ts";
import { AGAIN_MS } from "../core/link.ts";
import type { Visit } from "../enrolments.ts";
import { isSecret, newPageSecret } from "../links.ts";
import { SignerNotValid } from "../signing/profile-signer.ts";
import type { PageDeps } from "./pages.ts";
import { sendPage, sendProblem } from "./pages.ts";

const FORM_MAX_BYTES = 1_024;
const PROFILE_TYPE = "application/x-apple-aspen-config";
const COOKIE = "enrolment-page";

interface LinkRequest {
  Params: { secret: string };
}

interface PageRequest {
  Params: { page: string };
}

export function mountLinks(server: FastifyInstance, deps: PageDeps): void {
  server.addContentTypeParser(
    "application/x-www-form-urlencoded",
    { parseAs: "string", bodyLimit: FORM_MAX_BYTES },
    async (_request: FastifyRequest, body: string | Buffer) => new URLSearchParams(String(body)),
  );
  server.get<LinkRequest>("/enrol/:secret", (request, reply) => show(request, reply, deps));
  server.post<LinkRequest>("/enrol/:secret", (request, reply) => use(request, reply, deps));
  server.get<PageRequest>("/profile/:page", (request, reply) => give(request, reply, deps));
}

/** Programs that look at links in messages ask too: only the button uses a link. */
function show(
  { params, headers }: FastifyRequest<LinkRequest>,
  reply: FastifyReply,
  deps: PageDeps,
): FastifyReply {
  const known = pageIn(headers.cookie);
  const visit = deps.enrolments.visit(params.secret, known);
  if (!visit) return sendProblem(reply, "unknown", deps);
  const { standing, channel, device, link } = visit;
  if (standing !== "open" && standing !== "again") return sendProblem(reply, standing, deps);
  const isAgain = standing === "again";
  deps.metrics.pages.inc({ page: "enrol", status: "200" });
  const text = enrolmentPage({
    channel,
    deviceName: device.name,
    icon: deps.materials.iconOf(channel),
    hasRootCertificate: deps.materials.hasRootCertificate,
    isSignerPublic: deps.isSignerPublic,
    standing,
    pageSecret: isAgain ? known! : newPageSecret(),
    untilMs: isAgain ? link.usedMs! + AGAIN_MS : link.expiresMs,
    nowMs: deps.clock.nowMs(),
    assets: deps.paths,
  });
  return sendPage(reply, 200, text);
}

/** Whoever taps twice uses it once: the page's own secret tells the taps of one page from those of another. */
function use(
  { params, body }: FastifyRequest<LinkRequest>,
  reply: FastifyReply,
  deps: PageDeps,
): FastifyReply {
  const page = body instanceof URLSearchParams ? body.get("page") : undefined;
  if (!isSecret(page)) return sendProblem(reply, "bad_form", deps);
  const visit = deps.enrolments.visit(params.secret, page);
  if (!visit) return sendProblem(reply, "unknown", deps);
  const { standing, device } = visit;
  if (standing !== "open" && standing !== "again") return sendProblem(reply, standing, deps);
  if (deps.signer.problem(deps.clock.nowMs()) !== undefined)
    return sendProblem(reply, "cannot_sign", deps);
  if (standing === "open") {
    deps.enrolments.use(visit, page);
    deps.logger.info({ device: device.id, channel: device.channel }, "a link was used");
  }
  deps.metrics.pages.inc({ page: "enrol", status: "303" });
  return reply
    .header("set-cookie", cookieOf(page, deps.isOverTls))
    .redirect(`/profile/${page}`, 303);
}

/** Phones may ask several times for one profile. */
async function give(
  { params }: FastifyRequest<PageRequest>,
  reply: FastifyReply,
  deps: PageDeps,
): Promise<FastifyReply> {
  const visit = deps.enrolments.visitOfPage(params.page);
  if (!visit) return sendProblem(reply, "unknown", deps);
  if (visit.standing === "revoked") return sendProblem(reply, "revoked", deps);
  if (visit.standing !== "again") return sendProblem(reply, "used", deps);
  try {
    const { profile } = await deps.enrolments.issue(visit);
    deps.metrics.profiles.inc();
    deps.logger.info({ device: visit.device.id }, "a profile was given");
    return await reply
      .header("content-type", PROFILE_TYPE)
      .header("content-disposition", `attachment; filename="${fileNameOf(visit)}"`)
      .send(profile);
  } catch (error) {
    if (!(error instanceof SignerNotValid || error instanceof RpcError)) throw error;
    deps.logger.error({ reason: messageOf(error) }, "no profile can be made");
    return sendProblem(
      reply,
      error instanceof SignerNotValid ? "cannot_sign" : "not_complete",
      deps,
    );
  }
}

const fileNameOf = ({ channel }: Visit): string => `${channel.name}.mobileconfig`;

function cookieOf(page: string, isOverTls: boolean): string {
  const maxAgeS = AGAIN_MS / 1_000;
  const secure = isOverTls ? "; Secure" : "";
  return `${COOKIE}=${page}; Path=/enrol/; Max-Age=${maxAgeS}; HttpOnly; SameSite=Strict${secure}`;
}

function pageIn(cookies = ""): string | undefined {
  const pair = cookies.split("; ").find((one) => one.startsWith(`${COOKIE}=`));
  return pair?.slice(COOKIE.length + 1);
}
