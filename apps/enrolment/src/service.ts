/** EnrolmentService: the status for everybody of the network; OpsBot and operators change something. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { EnrolmentService } from "@glassline/proto/enrolment";
import { CreateLinkResponseSchema, RevokeDeviceResponseSchema } from "@glassline/proto/enrolment";
import { RpcError } from "@glassline/proto/errors";
import type { CallContext, Implementation } from "@glassline/proto/rpc";
import type { Clock } from "@glassline/service/clock";
import type { Fencing } from "@glassline/service/fencing";
import { requireCaller } from "@glassline/service/tls";

import { checkLinkLifetime } from "./core/channel-rules.ts";
import { phaseOf } from "./core/device.ts";
import { refuse } from "./core/refuse.ts";
import { checkTitle } from "./core/texts.ts";
import type { Enrolments } from "./enrolments.ts";
import { newMark, secretOf } from "./links.ts";
import type { EnrolmentMetrics } from "./metrics.ts";
import type { Site } from "./pages/site.ts";
import { qrOf } from "./qr.ts";
import type { EnrolmentStore } from "./stores/enrolment-store.ts";

const DEVICE_NAME_MAX_CHARS = 64;
const KEY_MAX_CHARS = 200;
/** Who may change something. */
const CHANGERS = ["opsbot", "operator"] as const;
/** Of tokens without a device. */
const TOKEN_MS = 300_000;
const TOKEN_MAX_MS = 3_600_000n;
const NANOS_A_MS = 1_000_000n;

export interface ServiceDeps {
  name: string;
  enrolments: Enrolments;
  store: EnrolmentStore;
  fencing: Fencing;
  /** From which the secrets of links follow. */
  linkKey: Buffer;
  /** JWK Set. */
  keySet: string;
  site: Site;
  clock: Clock;
  metrics: EnrolmentMetrics;
}

export function enrolmentService(deps: ServiceDeps): Implementation<typeof EnrolmentService> {
  const { enrolments, fencing, clock, metrics } = deps;
  return {
    getStatus: async () => ({
      enrolment: deps.name,
      nowUnixNano: clock.nowUnixNano(),
      fencingToken: fencing.highest,
      channels: [...enrolments.channels()],
      tokenKeys: deps.keySet,
      publicUrl: deps.site.publicUrl,
      revokedDevices: deps.store.revokedCounts(),
    }),
    putChannel: async ({ channel, fencingToken }, context) => {
      requireCaller(context, CHANGERS);
      const wished = channel ?? refuse("channel", undefined, "one");
      await enrolments.checkChannel(wished);
      // While its secrets were read, a higher token may have come.
      await admit(fencing, context, fencingToken);
      const changed = enrolments.putChannel(wished);
      if (changed) metrics.changes.inc({ kind: "channel" });
      return { changed };
    },
    removeChannel: async ({ channel, fencingToken }, context) => {
      await admit(fencing, context, fencingToken);
      const changed = enrolments.removeChannel(channel);
      if (changed) metrics.changes.inc({ kind: "channel_removed" });
      return { changed };
    },
    createLink: async (request, context) => {
      await admit(fencing, context, request.fencingToken);
      checkTitle("device_name", request.deviceName, DEVICE_NAME_MAX_CHARS);
      checkLinkLifetime("lifetime_ms", request.lifetimeMs);
      const { channel, deviceName, lifetimeMs, idempotencyKey } = request;
      const target = JSON.stringify([channel, deviceName, String(lifetimeMs)]);
      const { answer, replayed } = once(deps, "link", target, idempotencyKey, () =>
        toBinary(CreateLinkResponseSchema, newLink(deps, channel, deviceName, lifetimeMs)),
      );
      if (!replayed) metrics.changes.inc({ kind: "link" });
      return { ...shown(deps, fromBinary(CreateLinkResponseSchema, answer)), replayed };
    },
    listDevices: async ({ channel, revoked }) => ({
      devices: (revoked ? enrolments.revokedDevices(channel) : enrolments.devices(channel)).map(
        (device) => ({
          id: device.id,
          channel: device.channel,
          name: device.name,
          phase: phaseOf(device, clock.nowMs()),
          sinceUnixNano: BigInt(device.sinceMs) * NANOS_A_MS,
          expiresUnixNano: BigInt(device.expiresMs) * NANOS_A_MS,
        }),
      ),
    }),
    issueToken: async ({ channel, lifetimeMs }, context) => {
      const { role, instance } = requireCaller(context, CHANGERS);
      if (lifetimeMs > TOKEN_MAX_MS)
        refuse("lifetime_ms", String(lifetimeMs), `at most ${TOKEN_MAX_MS}`);
      const lifetime = Number(lifetimeMs) || TOKEN_MS;
      const { token, expiresMs } = enrolments.token(channel, `${role}-${instance}`, lifetime);
      metrics.changes.inc({ kind: "token" });
      return { token, expiresUnixNano: BigInt(expiresMs) * NANOS_A_MS };
    },
    revokeDevice: async ({ channel, device, idempotencyKey, fencingToken }, context) => {
      await admit(fencing, context, fencingToken);
      const target = JSON.stringify([channel, device]);
      const { answer, replayed } = once(deps, "revocation", target, idempotencyKey, () => {
        const changed = enrolments.revoke(channel, device);
        const made = create(RevokeDeviceResponseSchema, { changed, subject: device });
        return toBinary(RevokeDeviceResponseSchema, made);
      });
      const { changed, subject } = fromBinary(RevokeDeviceResponseSchema, answer);
      if (changed && !replayed) metrics.changes.inc({ kind: "revocation" });
      return { changed, subject };
    },
  };
}

/** Rejects with RpcError: of OpsBots, the one that leads; of people, those who have no token. */
async function admit(fencing: Fencing, context: CallContext, token: bigint): Promise<void> {
  const { role } = requireCaller(context, CHANGERS);
  if (role === "opsbot" || token !== 0n) await fencing.raise(token);
}

/** Done and written down together; of a key that is known, the first answer is given. Throws RpcError. */
function once(
  { store, clock }: ServiceDeps,
  action: string,
  target: string,
  idempotencyKey: string,
  work: () => Uint8Array,
): { answer: Uint8Array; replayed: boolean } {
  if (idempotencyKey === "" || idempotencyKey.length > KEY_MAX_CHARS)
    refuse("idempotency_key", `${idempotencyKey.length} characters`, `1 to ${KEY_MAX_CHARS}`);
  const key = `${action} ${idempotencyKey}`;
  return store.atOnce(() => {
    const known = store.done(key);
    if (known && known.target !== target)
      throw new RpcError(
        "invalid_argument",
        `idempotency_key: got that of the ${action} of ${known.target}, expected a new one for ${target}`,
      );
    if (known) return { answer: known.answer, replayed: true };
    const answer = work();
    store.putDone(key, { target, answer }, clock.nowMs());
    return { answer, replayed: false };
  });
}

/** As it is stored: in the place of the URL, the mark that its secret follows from. */
function newLink(
  { enrolments, linkKey }: ServiceDeps,
  channel: string,
  deviceName: string,
  lifetimeMs: bigint,
) {
  const mark = newMark();
  const secret = secretOf(linkKey, mark);
  const { device, expiresMs } = enrolments.addLink(channel, deviceName, Number(lifetimeMs), secret);
  const expiresUnixNano = BigInt(expiresMs) * NANOS_A_MS;
  return create(CreateLinkResponseSchema, { url: mark, device, expiresUnixNano });
}

function shown(
  { site, linkKey }: ServiceDeps,
  { url: mark, device, expiresUnixNano }: { url: string; device: string; expiresUnixNano: bigint },
) {
  const url = `${site.publicUrl}/enrol/${secretOf(linkKey, mark)}`;
  return { url, device, expiresUnixNano, ...qrOf(url) };
}
