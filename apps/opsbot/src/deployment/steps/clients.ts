/** Step 6: what phones are enrolled for. */
import { create, equals } from "@bufbuild/protobuf";
import type { Channel } from "@glassline/proto/enrolment";
import { ChannelSchema } from "@glassline/proto/enrolment";

import { persist, unlessHeld } from "../../actions/effects.ts";
import { folderOf } from "../../core/deployment/layout.ts";
import { LIMITED } from "../../network.ts";
import type { Begun, Observed, Work } from "../parts.ts";
import type { Step } from "./step.ts";

export const clients: Step = {
  name: "clients",
  lacks: async (work) => {
    const { parts, deployment } = work;
    const wanted = channelFor(work);
    const status = await parts.enrolled.get();
    const is = status?.channels.find(({ name }) => name === deployment.channel);
    if (!wanted) return is ? ["profiles are still given"] : [];
    return is && equals(ChannelSchema, is, wanted) ? [] : ["enrolment does not know it as it is"];
  },
  run: async (work) => {
    if (!work.description.clients) {
      await removed(work);
      return { skipped: "no clients were asked for: whoever reaches an edge may watch" };
    }
    await enrol(work);
    return { says: "profiles are given to those who are invited" };
  },
  undo: async (work) =>
    (await removed(work))
      ? { says: "no profiles are given any more, and no tokens" }
      : { skipped: "it had no profiles" },
};

/** Enrolment knows the channel as it is. */
export async function enrol(work: Work): Promise<void> {
  const { parts, effects } = work;
  const { fencingToken } = effects;
  const channel = channelFor(work)!;
  const options = { ...LIMITED, ...unlessHeld(effects) };
  await persist(effects, () => parts.enrolment!.putChannel({ fencingToken, channel }, options));
  parts.enrolled.forget();
}

/** @returns whether there was something. */
async function removed({ parts, deployment, effects }: Begun): Promise<boolean> {
  if (!parts.enrolment) return false;
  const { fencingToken } = effects;
  const { changed } = await persist(effects, () =>
    parts.enrolment!.removeChannel(
      { fencingToken, channel: deployment.channel },
      { ...LIMITED, ...unlessHeld(effects) },
    ),
  );
  parts.enrolled.forget();
  return changed;
}

function channelFor({ description, deployment }: Observed): Channel | undefined {
  const { clients: wished, channel, tenant, title, source } = description;
  if (!wished) return undefined;
  const { dns, relay, ikev2, wifi } = wished;
  return create(ChannelSchema, {
    name: channel,
    tenant,
    title: title || channel,
    description: description.description,
    organization: wished.organization,
    consent: wished.consent,
    edges: deployment.goal.edges
      .filter(({ protectedPaths }) => protectedPaths.length > 0)
      .map(({ name, publicUrl }) => ({ name, publicUrl })),
    path: source,
    protectedPaths: [folderOf(source)],
    tokenLifetimeMs: BigInt(wished.token),
    linkLifetimeMs: BigInt(wished.link),
    ...(dns && {
      dns: {
        protocol: "https" in dns ? "HTTPS" : "TLS",
        serverUrl: "https" in dns ? dns.https : "",
        serverName: "tls" in dns ? dns.tls : "",
        serverAddresses: dns.addresses,
        matchDomains: dns.domains,
      },
    }),
    ...(relay && {
      relay: {
        http3Url: relay.http3 ?? "",
        http2Url: relay.http2 ?? "",
        matchDomains: relay.domains,
        excludedDomains: relay.except ?? [],
      },
    }),
    ...(ikev2 && {
      ikev2: {
        name: ikev2.name,
        remoteAddress: ikev2.address,
        remoteIdentifier: ikev2.remoteId,
        localIdentifier: ikev2.localId,
        authenticationMethod: "SharedSecret",
        sharedSecretFile: ikev2.secretFile,
        matchDomains: ikev2.domains,
      },
    }),
    ...(wifi && { wifi: { ...wifi, passwordFile: wifi.passwordFile ?? "" } }),
  });
}
