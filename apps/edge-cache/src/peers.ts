/** The other edges, asked again and again on the addresses that viewers use. */
import type { Clock } from "@glassline/service/clock";
import { every } from "@glassline/service/clock";

const INTERVAL_MS = 500;
const TIMEOUT_MS = 1_000;
/** A busy machine may answer late once. */
const TIMEOUTS_BEFORE_AWAY = 2;
const ANSWER_MAX_CHARS = 1_000;

/** What an edge tells its peers. */
export const PEER_PATH = "/.glassline/edge";

export interface PeerAnswer {
  edge: string;
  viewers: number;
  /** It wants no viewers. */
  draining: boolean;
}

export interface PeerState {
  edge: string;
  publicUrl: string;
  reachable: boolean;
  sinceUnixNano: bigint;
  viewers: number;
  draining: boolean;
}

export interface Peers extends Disposable {
  all(): readonly PeerState[];
}

export function watchPeers(
  peers: readonly { name: string; publicUrl: string }[],
  clock: Clock,
): Peers {
  const stop = new AbortController();
  const states = peers.map(({ name, publicUrl }): PeerState & { timeouts: number } => ({
    edge: name,
    publicUrl,
    reachable: false,
    sinceUnixNano: clock.nowUnixNano(),
    viewers: 0,
    draining: false,
    timeouts: 0,
  }));
  const ask = async (state: (typeof states)[number]) => {
    try {
      const { viewers, draining } = await askPeer(state.publicUrl, state.edge);
      Object.assign(state, { viewers, draining });
      state.timeouts = 0;
      turn(state, true, clock);
    } catch (error) {
      const isLate = error instanceof Error && error.name === "TimeoutError";
      if (isLate && ++state.timeouts < TIMEOUTS_BEFORE_AWAY) return;
      turn(state, false, clock);
    }
  };
  for (const state of states) {
    void ask(state);
    void every(clock, INTERVAL_MS, stop.signal, () => ask(state));
  }
  return { all: () => states, [Symbol.dispose]: () => stop.abort() };
}

function turn(state: PeerState, reachable: boolean, clock: Clock): void {
  if (state.reachable === reachable) return;
  state.reachable = reachable;
  state.sinceUnixNano = clock.nowUnixNano();
}

async function askPeer(publicUrl: string, expected: string): Promise<PeerAnswer> {
  const response = await fetch(`${publicUrl}${PEER_PATH}`, {
    signal: AbortSignal.timeout(TIMEOUT_MS),
    redirect: "error",
  });
  const text = (await response.text()).slice(0, ANSWER_MAX_CHARS);
  if (!response.ok) throw new Error(`status ${response.status}`);
  const { edge, viewers, draining } = JSON.parse(text) as Partial<PeerAnswer>;
  if (edge !== expected || viewers === undefined || !Number.isSafeInteger(viewers) || viewers < 0)
    throw new Error(`got the answer of ${JSON.stringify(edge)}, expected ${expected}`);
  return { edge, viewers, draining: draining === true };
}
