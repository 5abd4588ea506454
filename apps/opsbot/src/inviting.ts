/** Links by which devices get their profiles. */
import type { EnrolmentService } from "@glassline/proto/enrolment";
import type { Client } from "@glassline/proto/rpc";

import type { Change } from "./desk.ts";
import { LIMITED } from "./network.ts";
import { NotLeadingError } from "./stores/sql.ts";

/** Rejects when none can be made. @returns the link and its QR code, for people: a secret. */
export type Inviting = (
  wish: Extract<Change, { kind: "invite" }>,
  idempotencyKey: string,
) => Promise<string>;

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
