/** Before a node takes links: a handshake with itself, and a record under its keys. What does not work on this machine is told at the start. */
import { createHash, timingSafeEqual } from "node:crypto";

import type { Mode } from "@glassline/quantum/keys/epoch";
import type { SessionKeys } from "@glassline/quantum/keys/epochs";
import { Epochs, sessionKeys } from "@glassline/quantum/keys/epochs";
import { offer, take } from "@glassline/quantum/keys/handshake";
import type { Introduced } from "@glassline/quantum/keys/introduction";
import { introduce, verifyIntroduction } from "@glassline/quantum/keys/introduction";
import type { PrivateKey } from "@glassline/quantum/keys/x-wing";
import type { Clock } from "@glassline/service/clock";
import { OperatorError, messageOf } from "@glassline/service/errors";
import type { Identity } from "@glassline/service/identity";

const CONTENT = createHash("sha256").update("glassline self-test").digest();
const MODE: Mode = "qkd-required";

interface OwnKeys {
  self: Introduced;
  key: PrivateKey;
  identity: Identity;
  clock: Clock;
}

/** Throws OperatorError. @param context of introductions. */
export function selfTest(context: string, own: OwnKeys): void {
  try {
    const peer = introduced(context, own);
    const [near, far] = keysWith(peer, own);
    const [sealed, opened] = [new Epochs(), new Epochs()];
    sealed.turnTo(near, 0);
    opened.begin(far, 0);
    const one = opened.open(sealed.seal(CONTENT, 0), 0);
    if (typeof one === "string" || !timingSafeEqual(one.content, CONTENT))
      throw new Error("a sealed record was not opened");
  } catch (error) {
    const message = `self-test of links over UDP: ${messageOf(error)}`;
    throw new OperatorError(message, { cause: error });
  }
}

function introduced(context: string, { self, identity, clock }: OwnKeys): Introduced {
  const introduction = introduce(context, self, identity, clock.nowUnixNano());
  return verifyIntroduction(context, introduction, identity.role, identity.ca, clock.nowMs());
}

function keysWith(peer: Introduced, { self, key }: OwnKeys): [SessionKeys, SessionKeys] {
  const own = { name: self.name, key };
  const quantumKey = { id: "self-test", key: CONTENT, source: "sim" } as const;
  const agreement = { epoch: 0, mode: MODE, allowSimulatedKeys: true };
  const first = offer(own, peer, agreement, { moment: 1n, quantumKey });
  const second = take(own, peer, first.message).answer(agreement, quantumKey);
  return [
    sessionKeys(first.finish(second.message), "initiator", 1, 2),
    sessionKeys(second.keys, "responder", 2, 1),
  ];
}
