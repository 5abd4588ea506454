/** Channels, their links and their devices: what may be done with each, and what is written down of it. */
import { randomBytes } from "node:crypto";

import { equals } from "@bufbuild/protobuf";
import type { Channel } from "@glassline/proto/enrolment";
import { ChannelSchema } from "@glassline/proto/enrolment";
import { RpcError } from "@glassline/proto/errors";
import type { Clock } from "@glassline/service/clock";

import { checkChannel, linkLifetimeMs, tokenLifetimeMs } from "./core/channel-rules.ts";
import { problemsOfProfile } from "./core/check-profile.ts";
import type { DeviceRecord } from "./core/device.ts";
import type { LinkStanding } from "./core/link.ts";
import { standingOf } from "./core/link.ts";
import { profileOf } from "./core/profile.ts";
import type { Issued, IssuingDeps } from "./issuing.ts";
import { issueProfile, issueToken, sha1, watchUrlOf } from "./issuing.ts";
import { hashOf, isHashOf, isSecret } from "./links.ts";
import type { Materials } from "./materials.ts";
import type { EnrolmentStore, LinkRecord } from "./stores/enrolment-store.ts";

const CHANNELS_MAX = 1_000;
/** Of a channel. */
const DEVICES_MAX = 20_000;
const DEVICE_ID_BYTES = 12;

export interface EnrolmentsDeps extends IssuingDeps {
  store: EnrolmentStore;
  materials: Materials;
  clock: Clock;
}

/** A link, as the page that shows it needs it. */
export interface Visit {
  standing: LinkStanding;
  channel: Channel;
  device: DeviceRecord;
  link: LinkRecord;
}

export class Enrolments {
  readonly #deps: EnrolmentsDeps;
  /** Undefined: they are to be read again. */
  #listed: readonly Channel[] | undefined;

  constructor(deps: EnrolmentsDeps) {
    this.#deps = deps;
  }

  /** Without their icons, by name. */
  channels(): readonly Channel[] {
    this.#listed ??= this.#deps.store
      .channels()
      .map((channel) => ({ ...channel, icon: new Uint8Array() }));
    return this.#listed;
  }

  /** Whether profiles can be made from it, with what it names. Rejects with RpcError. */
  async checkChannel(channel: Channel): Promise<void> {
    const { materials, site } = this.#deps;
    checkChannel(channel);
    const material = await materials.of(channel);
    const watchUrl = watchUrlOf(site.publicUrl, channel.name, "token");
    const problems = problemsOfProfile(
      profileOf({ channel, device: "device", material, watchUrl, sha1 }),
    );
    if (problems.length > 0) throw new Error(`a profile: ${problems.join("; ")}`);
  }

  /** One that was checked. Throws RpcError. @returns whether it is another one. */
  putChannel(channel: Channel): boolean {
    const { store } = this.#deps;
    const before = store.channel(channel.name);
    if (before && equals(ChannelSchema, before, channel)) return false;
    if (!before && this.channels().length >= CHANNELS_MAX) throw tooMany("channels", CHANNELS_MAX);
    store.putChannel(channel);
    this.#listed = undefined;
    return true;
  }

  /** A token without a device. Throws RpcError. */
  token(channel: string, subject: string, lifetimeMs: number) {
    const known = this.#channel(channel);
    return issueToken(this.#deps, known, subject, lifetimeMs, this.#deps.clock.nowMs());
  }

  /** @returns false: there was none. */
  removeChannel(name: string): boolean {
    const isGone = this.#deps.store.removeChannel(name, this.#deps.clock.nowMs());
    this.#listed = undefined;
    return isGone;
  }

  /**
   * Of one name and channel there is one device, and one link at a time: an earlier link counts no more. Throws RpcError.
   * @param lifetimeMs 0: as the channel has it.
   */
  addLink(channelName: string, deviceName: string, lifetimeMs: number, secret: string) {
    const { store, clock } = this.#deps;
    const channel = this.#channel(channelName);
    const nowMs = clock.nowMs();
    const expiresMs = nowMs + (lifetimeMs === 0 ? linkLifetimeMs(channel) : lifetimeMs);
    const known = store.deviceNamed(channelName, deviceName);
    if (!known && store.deviceCount(channelName) >= DEVICES_MAX)
      throw tooMany(`devices of ${channelName}`, DEVICES_MAX);
    const id = known?.id ?? `dev-${randomBytes(DEVICE_ID_BYTES).toString("hex")}`;
    return store.atOnce(() => {
      if (known?.phase !== "enrolled")
        store.putDevice({
          id,
          channel: channelName,
          name: deviceName,
          phase: "invited",
          sinceMs: nowMs,
          expiresMs,
        });
      store.putLink({
        secretHash: hashOf(secret),
        device: id,
        expiresMs,
        usedMs: undefined,
        sessionHash: undefined,
      });
      return { device: id, expiresMs };
    });
  }

  /** Undefined: no such link. @param page the secret of the page that asks. */
  visit(secret: string, page: string | undefined): Visit | undefined {
    const link = isSecret(secret) ? this.#deps.store.link(hashOf(secret)) : undefined;
    return link && this.#visitOf(link, page);
  }

  /** By the secret of the page that used a link. */
  visitOfPage(page: string): Visit | undefined {
    const link = isSecret(page) ? this.#deps.store.linkOfSession(hashOf(page)) : undefined;
    return link && this.#visitOf(link, page);
  }

  #visitOf(link: LinkRecord, page: string | undefined): Visit | undefined {
    const { store, clock } = this.#deps;
    const device = store.device(link.device);
    const channel = device && store.channel(device.channel);
    if (!channel) return undefined;
    const isDeviceRevoked = device.phase === "revoked";
    const isSamePage = isHashOf(link.sessionHash, page);
    const state = { ...link, isDeviceRevoked, isSamePage };
    return { standing: standingOf(state, clock.nowMs()), channel, device, link };
  }

  /** The link is used, by this page: nobody else can from now on. On disk when it returns. */
  use({ link, device, channel }: Visit, page: string): void {
    const { store, clock } = this.#deps;
    const nowMs = clock.nowMs();
    const expiresMs = nowMs + tokenLifetimeMs(channel);
    store.atOnce(() => {
      store.putLink({ ...link, usedMs: nowMs, sessionHash: hashOf(page) });
      store.putDevice({ ...device, phase: "enrolled", sinceMs: nowMs, expiresMs });
    });
  }

  /** Rejects with RpcError or SignerNotValid. */
  async issue({ channel, device }: Visit): Promise<Issued> {
    const { store, materials, clock } = this.#deps;
    const material = await materials.of(channel);
    const issued = issueProfile(this.#deps, channel, material, device.id, clock.nowMs());
    // While the secrets were read it may have been revoked: then it stays so.
    const now = store.device(device.id);
    if (now?.phase !== "enrolled")
      throw new RpcError("failed_precondition", `device ${device.id}: it was revoked`);
    store.putDevice({ ...now, expiresMs: issued.expiresMs });
    return issued;
  }

  /** Throws RpcError. @returns false: it was so already. */
  revoke(channel: string, id: string): boolean {
    const { store, clock } = this.#deps;
    const device = store.device(id);
    if (device?.channel !== channel)
      throw new RpcError("not_found", `device: got ${id}, expected one of ${channel}`);
    if (device.phase === "revoked") return false;
    store.putDevice({ ...device, phase: "revoked", sinceMs: clock.nowMs() });
    return true;
  }

  /** Throws RpcError. */
  devices(channel: string): DeviceRecord[] {
    this.#channel(channel);
    return this.#deps.store.devices(channel);
  }

  /** The newest first. Throws RpcError. */
  revokedDevices(channel: string): DeviceRecord[] {
    this.#channel(channel);
    return this.#deps.store.revokedDevices(channel);
  }

  /** Throws RpcError. */
  #channel(name: string): Channel {
    const channel = this.#deps.store.channel(name);
    if (channel) return channel;
    throw new RpcError(
      "not_found",
      `channel: got ${JSON.stringify(name)}, expected one that is known`,
    );
  }
}

function tooMany(what: string, most: number): RpcError {
  return new RpcError("resource_exhausted", `${what}: got one more, expected at most ${most}`);
}
