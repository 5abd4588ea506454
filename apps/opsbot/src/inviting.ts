/** Links by which devices get their profiles. */
import type { EnrolmentService } from "@glassline/proto/enrolment";
import type { Client } from "@glassline/proto/rpc";

import { readDescription } from "./core/deployment/read-description.ts";
import { shortened } from "./core/echo.ts";
import { neverDeployed } from "./deployments.ts";
import type { Change, Refusal } from "./desk.ts";
import { LIMITED } from "./network.ts";
import type { DeploymentReads } from "./stores/deployments.ts";
import { NotLeadingError } from "./stores/sql.ts";

/** Rejects when none can be made. @returns the link and its QR code, for people: a secret. */
export type Inviting = (
  wish: Extract<Change, { kind: "invite" }>,
  idempotencyKey: string,
) => Promise<string>;

/** Undefined: nothing stands in the way. */
export async function whyNoInvite(
  { channel }: Extract<Change, { kind: "invite" }>,
  invite: Inviting | undefined,
  deployments: Pick<DeploymentReads, "of">,
): Promise<Refusal | undefined> {
  if (!invite)
    return { because: "impossible", refused: "this OpsBot was told of no enrolment service" };
  const known = await deployments.of(channel);
  if (!known) return neverDeployed(channel);
  if (readDescription(known.description).clients) return undefined;
  return {
    because: "impossible",
    refused: `${channel} has no clients in its description: whoever reaches an edge may watch`,
  };
}

export const saysInvite = ({ device, channel }: Extract<Change, { kind: "invite" }>) =>
  `I will make a link by which ${shortened(device)} can watch ${channel}; it works once.`;

/** @param fencingToken of the present term; undefined: another one leads. */
export function inviting(
  client: Pick<Client<typeof EnrolmentService>, "createLink">,
  fencingToken: () => bigint | undefined,
): Inviting {
  return async ({ channel, device: deviceName, forMs }, idempotencyKey) => {
    const token = fencingToken();
    if (token === undefined) throw new NotLeadingError("links are made by whoever leads");
    const wish = { channel, deviceName, lifetimeMs: BigInt(forMs ?? 0), idempotencyKey };
    const { url, device, expiresUnixNano, qrText } = await client.createLink(
      { ...wish, fencingToken: token },
      LIMITED,
    );
    const until = new Date(Number(expiresUnixNano / 1_000_000n)).toISOString();
    return `${url}\nworks once, until ${until}; the device is ${device}\n${qrText}`;
  };
}
