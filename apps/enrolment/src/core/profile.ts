/** A configuration profile: a channel's payloads for one device, named so that a new one takes the old one's place. Pure. */
import type { Channel } from "@glassline/proto/enrolment";

import type { Material, Payload } from "./payloads.ts";
import { payloadsOf } from "./payloads.ts";
import type { PlistDictionary } from "./plist.ts";
import type { Sha1 } from "./uuid5.ts";
import { uuid5 } from "./uuid5.ts";

/** iPhones and iPads. */
const IOS = 1;

export interface ProfileRequest {
  channel: Channel;
  device: string;
  material: Material;
  /** With the device's own token. */
  watchUrl: string;
  sha1: Sha1;
}

/** "net.glassline.TENANT.CHANNEL": a profile with the same one is replaced. */
const identifierOf = ({ tenant, name }: Channel): string =>
  `net.glassline.${[tenant, name].filter((part) => part !== "").join(".")}`;

export function profileOf(request: ProfileRequest): PlistDictionary {
  const { channel, material, watchUrl } = request;
  const { title, description, organization, consent } = channel;
  return {
    PayloadType: "Configuration",
    PayloadVersion: 1,
    PayloadIdentifier: identifierOf(channel),
    PayloadUUID: uuidOf(request, "profile"),
    PayloadDisplayName: title,
    ...(description !== "" && { PayloadDescription: description }),
    ...(organization !== "" && { PayloadOrganization: organization }),
    ...(consent !== "" && { ConsentText: { default: consent } }),
    TargetDeviceType: IOS,
    PayloadContent: payloadsOf(channel, material, watchUrl).map((payload) =>
      payloadOf(request, payload),
    ),
  };
}

function payloadOf(
  request: ProfileRequest,
  { part, type, name, content }: Payload,
): PlistDictionary {
  return {
    PayloadType: type,
    PayloadVersion: 1,
    PayloadIdentifier: `${identifierOf(request.channel)}.${part}`,
    PayloadUUID: uuidOf(request, part),
    PayloadDisplayName: name,
    ...content,
  };
}

const uuidOf = ({ channel, device, sha1 }: ProfileRequest, part: string): string =>
  uuid5(sha1, channel.tenant, channel.name, device, part);
