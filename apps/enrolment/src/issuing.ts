/** Makes a device's profile: its token, the payloads of its channel, the signature. */
import { hash, randomBytes } from "node:crypto";

import type { Channel } from "@glassline/proto/enrolment";

import { openedBy, tokenLifetimeMs } from "./core/channel-rules.ts";
import type { Material } from "./core/payloads.ts";
import { plistOf } from "./core/plist.ts";
import { profileOf } from "./core/profile.ts";
import type { Site } from "./pages/site.ts";
import type { ProfileSigner } from "./signing/profile-signer.ts";
import type { TokenKey } from "./signing/token-key.ts";

const TOKEN_ID_BYTES = 12;

export interface IssuingDeps {
  tokenKey: TokenKey;
  signer: ProfileSigner;
  /** Empty: tokens are for all edges. */
  tokenAudience: string;
  site: Site;
}

export interface Issued {
  /** DER. */
  profile: Buffer;
  /** Of its token, Unix milliseconds. */
  expiresMs: number;
}

export const sha1 = (bytes: Uint8Array): Uint8Array => hash("sha1", bytes, "buffer");

/** Made anew each time: what the profile says is the same for the same channel and device, but for the token. Throws SignerNotValid. */
export function issueProfile(
  deps: IssuingDeps,
  channel: Channel,
  material: Material,
  device: string,
  nowMs: number,
): Issued {
  const { signer, site } = deps;
  const { token, expiresMs } = issueToken(deps, channel, device, tokenLifetimeMs(channel), nowMs);
  const watchUrl = watchUrlOf(site.publicUrl, channel.name, token);
  const profile = profileOf({ channel, device, material, watchUrl, sha1 });
  return {
    profile: signer.sign(Buffer.from(plistOf(profile)), nowMs),
    expiresMs,
  };
}

/** By which a channel may be watched. @param subject by which edges can be told to refuse it. */
export function issueToken(
  { tokenKey, tokenAudience }: Pick<IssuingDeps, "tokenKey" | "tokenAudience">,
  channel: Channel,
  subject: string,
  lifetimeMs: number,
  nowMs: number,
): { token: string; expiresMs: number } {
  const iat = Math.floor(nowMs / 1_000);
  const exp = iat + Math.floor(lifetimeMs / 1_000);
  const token = tokenKey.sign({
    sub: subject,
    channel: openedBy(channel),
    deployed_channel: channel.name,
    iat,
    exp,
    jti: randomBytes(TOKEN_ID_BYTES).toString("base64url"),
    ...(tokenAudience !== "" && { aud: tokenAudience }),
  });
  return { token, expiresMs: exp * 1_000 };
}

/** The token is in the fragment, which browsers send to nobody, and which is in no log and no Referer. */
export const watchUrlOf = (publicUrl: string, channel: string, token: string): string =>
  `${publicUrl}/watch/${channel}#access_token=${token}`;
