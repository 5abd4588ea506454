/** Peers asked by the system's ping: it needs no root, and can forbid that packets are broken. */
import { execFile } from "node:child_process";

import { OperatorError, systemCodeOf } from "@glassline/service/errors";

import type { PeerLook } from "../core/judge/overlay.ts";
import type { PingSummary } from "../core/ping-output.ts";
import { HEADER_BYTES, mtuHint, parsePing, unreachableReason } from "../core/ping-output.ts";

/** The least that users other than root may choose on any kernel. */
const INTERVAL_SECONDS = 0.2;
const WAIT_SECONDS = 1;
const OUTPUT_MAX_BYTES = 65_536;
const MTU_PACKETS = 3;
/** Bytes; tried from the largest on where nobody says what passes. */
const USUAL_MTUS = [8_950, 1_500, 1_450, 1_400, 1_280, 576] as const;

export interface PingOptions {
  packets: number;
  /** Bytes; undefined: the size is not looked at. */
  mtu: number | undefined;
  /** Interface or source address; empty: the system chooses. */
  from: string;
  signal: AbortSignal;
}

/** There is no program to ask with. */
export class NoPing extends Error {}

export async function pingPeer(peer: string, options: PingOptions): Promise<PeerLook> {
  const { summary, stderr } = await ping(peer, options, options.packets);
  if (!summary) return { peer, sent: 0, received: 0, why: reasonOf(stderr) };
  const { mtu } = options;
  if (mtu === undefined || summary.received === 0) return { peer, ...summary };
  const big = await ping(peer, options, MTU_PACKETS, mtu - HEADER_BYTES[summary.family]);
  const mtuPasses = (big.summary?.received ?? 0) > 0;
  const mtuFound = mtuPasses
    ? mtu
    : await largestOf(candidates(mtu, mtuHint(big.stdout + big.stderr)), peer, options, summary);
  return { peer, ...summary, mtuPasses, mtuFound };
}

const candidates = (mtu: number, hint: number | undefined): readonly number[] =>
  hint !== undefined && hint < mtu ? [hint] : USUAL_MTUS.filter((size) => size < mtu);

async function largestOf(
  sizes: readonly number[],
  peer: string,
  options: PingOptions,
  { family }: PingSummary,
): Promise<number | undefined> {
  for (const size of sizes) {
    const { summary } = await ping(peer, options, 1, size - HEADER_BYTES[family]);
    if (summary && summary.received > 0) return size;
  }
  return undefined;
}

interface Pinged {
  summary: PingSummary | undefined;
  stdout: string;
  stderr: string;
}

/** @param payloadBytes such packets must not be broken (the don't-fragment bit of IPv4). */
function ping(
  peer: string,
  { from, signal }: PingOptions,
  packets: number,
  payloadBytes?: number,
): Promise<Pinged> {
  const source = from === "" ? [] : ["-I", from];
  const size = payloadBytes === undefined ? [] : ["-M", "do", "-s", String(payloadBytes)];
  const pace = `-n -q -c ${packets} -i ${INTERVAL_SECONDS} -W ${WAIT_SECONDS}`.split(" ");
  const words = [...pace, ...source, ...size, "--", peer];
  const env = { ...process.env, LC_ALL: "C" };
  return new Promise((resolve, reject) => {
    execFile(
      "ping",
      words,
      { env, signal, maxBuffer: OUTPUT_MAX_BYTES },
      (error, stdout, stderr) => {
        if (systemCodeOf(error) === "ENOENT") reject(new NoPing());
        else if (signal.aborted) reject(signal.reason);
        else resolve({ summary: parsePing(stdout), stdout, stderr });
      },
    );
  });
}

function reasonOf(stderr: string): string {
  const reason = unreachableReason(stderr);
  if (reason !== undefined) return reason;
  const [line = ""] = stderr.split("\n");
  throw new OperatorError(`ping: got ${JSON.stringify(line)}, expected a summary of packets`);
}
