/** Whether a network carries what it must: peers that answer, packets of its MTU, few losses, a short round trip. Pure. */
import type { State } from "../check-state.ts";
import type { Limits } from "../range.ts";
import { upTo, stateOf } from "../range.ts";
import type { Verdict } from "../verdict.ts";
import { worstOf } from "../verdict.ts";
import { counted } from "../words.ts";

/** What came back from one peer. */
export interface PeerLook {
  peer: string;
  /** Packets. */
  sent: number;
  received: number;
  /** Why nothing could be sent, or came back, where that was told. */
  why?: string | undefined;
  /** Undefined: nothing came back. */
  roundTripMs?: number | undefined;
  /** Whether packets of the expected size came back whole; undefined: that was not tried. */
  mtuPasses?: boolean | undefined;
  /** Bytes: the largest packet that was seen to pass. */
  mtuFound?: number | undefined;
}

export interface OverlayLimits {
  /** Milliseconds. */
  roundTrip: Limits;
  /** Percent of packets. */
  loss: Limits;
  /** Bytes of an IP packet that must pass unbroken; undefined: not judged. */
  mtu: number | undefined;
}

export const LOSS: Limits = { warning: upTo(0), critical: upTo(20) };

export function judgeOverlay(looks: readonly PeerLook[], limits: OverlayLimits): Verdict {
  const judged = looks.map((look) => ({ look, ...judgePeer(look, limits) }));
  const state = worstOf(judged.map((each) => each.state));
  const wrong = judged.filter((each) => each.state !== "ok");
  const first = wrong.find((each) => each.state === state);
  const more = wrong.length > 1 ? `, and ${counted(wrong.length - 1, "more peer")}` : "";
  const mtu = limits.mtu === undefined ? "" : `, ${limits.mtu} bytes pass`;
  return {
    state,
    output: first
      ? `${first.why}${more}`
      : `${looks.length} of ${counted(looks.length, "peer")} answered${mtu}`,
    measures: [
      { label: "peers", value: looks.length - unheard(looks), unit: "", min: 0, max: looks.length },
      ...looks.flatMap((look) => measuresOf(look, limits)),
    ],
    details: judged.map(({ look: { peer, sent, received }, state, why }) => {
      return `${state}: ${why || `${peer}: ${received} of ${sent} packets came back`}`;
    }),
  };
}

const lossOf = ({ sent, received }: PeerLook) => (sent === 0 ? 100 : 100 - (100 * received) / sent);
const unheard = (looks: readonly PeerLook[]) =>
  looks.filter(({ received }) => received === 0).length;

function judgePeer(look: PeerLook, limits: OverlayLimits): { state: State; why: string } {
  const { peer, received, why, roundTripMs, mtuPasses, mtuFound } = look;
  if (received === 0)
    return {
      state: "critical",
      why: `${peer} does not answer${why === undefined ? "" : ` (${why})`}`,
    };
  if (mtuPasses === false) {
    const passes = mtuFound === undefined ? "" : `, ${mtuFound} do`;
    return { state: "critical", why: `${limits.mtu} bytes do not pass to ${peer}${passes}` };
  }
  const loss = lossOf(look);
  const ofLoss = stateOf(loss, limits.loss);
  if (ofLoss !== "ok")
    return { state: ofLoss, why: `${loss.toFixed(0)} % of packets to ${peer} are lost` };
  const ofTime = roundTripMs === undefined ? "ok" : stateOf(roundTripMs, limits.roundTrip);
  return { state: ofTime, why: ofTime === "ok" ? "" : `${peer} answers in ${roundTripMs} ms` };
}

function measuresOf(look: PeerLook, { roundTrip, loss }: OverlayLimits) {
  const { peer, roundTripMs, mtuFound } = look;
  const lost = { label: `loss_${peer}`, value: lossOf(look), unit: "%", limits: loss } as const;
  return [
    { ...lost, min: 0, max: 100 },
    ...(roundTripMs === undefined
      ? []
      : [{ label: `rtt_${peer}`, value: roundTripMs, unit: "ms", limits: roundTrip } as const]),
    ...(mtuFound === undefined
      ? []
      : [{ label: `mtu_${peer}`, value: mtuFound, unit: "B" } as const]),
  ];
}
