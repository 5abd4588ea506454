/** Devices that were revoked: each edge of their channel refuses the tokens that they have. */
import type { EdgeSpec } from "@glassline/proto/node";
import { messageOf } from "@glassline/service/errors";

import type { EffectDeps } from "../actions/effects.ts";
import { persist, unlessHeld } from "../actions/effects.ts";
import { counted } from "../core/words.ts";
import { LIMITED } from "../network.ts";
import type { Begun, Observed } from "./parts.ts";

/** Those that ask viewers for a token. */
export const protectedEdges = (edges: readonly EdgeSpec[]): EdgeSpec[] =>
  edges.filter(({ protectedPaths }) => protectedPaths.length > 0);

/** Edges that take tokens of revoked devices, for people. Of those that do not answer nothing is said. */
export async function takingRevoked(
  { parts, deployment }: Observed,
  edges: readonly EdgeSpec[],
): Promise<string[]> {
  const asked = protectedEdges(edges);
  if (asked.length === 0) return [];
  const revoked = await subjectsOf(deployment.channel, parts);
  if (revoked.length === 0) return [];
  const lacking = await Promise.all(
    asked.map(async ({ name }) => {
      const known = await parts.edges
        .get(name)
        ?.listRevocations({}, { ...LIMITED, authorization: parts.authorization })
        .catch(() => undefined);
      if (!known) return [];
      const missing = new Set(revoked).difference(new Set(known.clients)).size;
      return missing === 0 ? [] : [`${name} takes tokens of ${counted(missing, "revoked device")}`];
    }),
  );
  return lacking.flat();
}

/** Tells edges that are there what they do not know yet. Rejects when one does not take it. */
export async function tellRevoked(work: Begun, edges: readonly EdgeSpec[]): Promise<void> {
  const { parts, deployment, effects, idempotencyKey } = work;
  const asked = protectedEdges(edges);
  if (asked.length === 0) return;
  const revoked = await subjectsOf(deployment.channel, parts, true);
  if (revoked.length === 0) return;
  // Those that are new, and where those are that moved.
  await parts.watch();
  const failures = await atEach(asked, async (name) => {
    const client = clientOf(name, effects);
    const options = optionsOf(effects);
    const { clients } = await persist(effects, () => client.listRevocations({}, options));
    const known = new Set(clients);
    for (const subject of revoked.filter((one) => !known.has(one)))
      await refuseTokens(name, subject, `${idempotencyKey}:${subject}`, effects);
  });
  if (failures.length > 0) throw new Error(failures.join("; "));
}

/** From now on an edge refuses the tokens of a device. Rejects with why it does not. */
export async function refuseTokens(
  edge: string,
  subject: string,
  idempotencyKey: string,
  effects: EffectDeps,
): Promise<void> {
  const { fencingToken } = effects;
  const target = { case: "client", value: subject } as const;
  const request = { target, idempotencyKey: `${idempotencyKey}:${edge}`, fencingToken };
  const options = { ...optionsOf(effects), ...unlessHeld(effects) };
  await persist(effects, () => clientOf(edge, effects).revokeTokens(request, options));
}

/** @returns why it could not be done at some of them. */
export async function atEach(
  edges: readonly EdgeSpec[],
  work: (name: string) => Promise<void>,
): Promise<string[]> {
  const failures: string[] = [];
  await Promise.all(
    edges.map(({ name }) =>
      work(name).catch((error: unknown) => failures.push(`${name}: ${messageOf(error)}`)),
    ),
  );
  return failures;
}

/** Of its revoked devices. @param isAnew what was told a moment ago does not count. */
async function subjectsOf(
  channel: string,
  { enrolled, enrolment }: Observed["parts"],
  isAnew = false,
): Promise<string[]> {
  const status = await enrolled.get(isAnew);
  if (!status?.revokedDevices[channel]) return [];
  const { devices } = await enrolment!.listDevices({ channel, revoked: true }, LIMITED);
  return devices.map(({ id }) => id);
}

function clientOf(edge: string, { network }: EffectDeps) {
  const client = network.edges.get(edge);
  if (!client) throw new Error("it is not known");
  return client;
}

const optionsOf = ({ edgeToken }: EffectDeps) => ({
  ...LIMITED,
  authorization: `Bearer ${edgeToken}`,
});
