/** `validate URL`: whether edges serve a channel as viewers need it, by a test load that behaves like players. */
import { readFile } from "node:fs/promises";

import type { ConfigOf } from "@glassline/config";
import { duration, file, integer, number, text } from "@glassline/config";
import type { ValidationReport } from "@glassline/proto/opsbot";
import { systemClock } from "@glassline/service/clock";
import { OperatorError, messageOf } from "@glassline/service/errors";

import type { LoadEdge } from "../caches/load.ts";
import { validate } from "../caches/validate.ts";
import { PLAYERS_MAX, VALIDATION_MAX_MS } from "../core/caches/validation-limits.ts";
import { counted } from "../core/words.ts";

const PERCENT = 100;
/** Of the time, that players begin within. */
const START_SHARE = 0.2;
const MEGA = 1e6;

export const validateOptions = {
  players: integer({
    help: "Of validate: how many play.",
    default: "20",
    min: 1,
    max: PLAYERS_MAX,
  }),
  for: duration({
    help: "Of validate: how long they play.",
    default: "10s",
    minMs: 1_000,
    maxMs: VALIDATION_MAX_MS,
  }),
  viewerToken: text({
    help: "Of validate: a viewer's token, where the channel is protected. Empty: none.",
    default: "",
    placeholder: "TOKEN",
  }),
  ca: file({
    help: "Of validate: authority of the edges' certificates, PEM. Empty: those that Node knows.",
    default: "",
  }),
  hitRate: number({
    help: "Of validate: share of answers without a question to the origin that is expected, in percent.",
    default: "90",
    min: 0,
    max: PERCENT,
  }),
  firstByte: duration({
    help: "Of validate: time to the first byte that 99 of 100 answers keep.",
    default: "500ms",
    minMs: 1,
    maxMs: 60_000,
  }),
  errorShare: number({
    help: "Of validate: share of requests that may fail, in percent.",
    default: "1",
    min: 0,
    max: PERCENT,
  }),
  stalls: integer({
    help: "Of validate: how often playback may stall, all players together.",
    default: "0",
    min: 0,
    max: 1_000_000,
  }),
};

type Options = ConfigOf<typeof validateOptions>;

/** @param urls of one playlist on several edges. @returns whether all was as expected. Rejects with OperatorError. */
export async function validateUrls(
  urls: readonly string[],
  options: Options,
  tell: (line: string) => void,
): Promise<boolean> {
  const { players, for: forMs, viewerToken, hitRate, errorShare, firstByte, stalls } = options;
  const report = await validate(
    {
      ...targetOf(urls),
      players,
      forMs,
      startOverMs: Math.round(START_SHARE * forMs),
      token: viewerToken === "" ? undefined : viewerToken,
      ca: options.ca === "" ? undefined : await pem(options.ca),
      slo: {
        hitRate: hitRate / PERCENT,
        errorShare: errorShare / PERCENT,
        firstByteP99Ms: firstByte,
        stalls,
      },
    },
    { clock: systemClock, signal: new AbortController().signal },
  );
  for (const line of linesOf(report, urls.length)) tell(line);
  return report.passed;
}

/** Throws OperatorError. */
function targetOf(urls: readonly string[]): { edges: LoadEdge[]; path: string } {
  const parsed = urls.map((url) => {
    const address = URL.parse(url);
    if (address && address.search === "") return address;
    const expected = "that of a playlist, such as http://localhost:7471/live/cam-0001/index.m3u8";
    throw new OperatorError(`URL: got ${JSON.stringify(url)}, expected ${expected}`);
  });
  const [path = ""] = parsed.map(({ pathname }) => pathname);
  const other = parsed.find(({ pathname }) => pathname !== path);
  if (other)
    throw new OperatorError(`URLs: got ${path} and ${other.pathname}, expected one path for all`);
  return { edges: parsed.map(({ host, origin }) => ({ name: host, publicUrl: origin })), path };
}

async function pem(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new OperatorError(`--ca: ${messageOf(error)}`, { cause: error });
  }
}

function linesOf(report: ValidationReport, edges: number): string[] {
  const { players, durationMs, requests, errors, hitRate, bytes, stalls, shortfalls } = report;
  const { firstByteP50Ms, firstByteP99Ms } = report;
  const who = `${counted(players, "player")} for ${durationMs / 1_000} s`;
  return [
    `${who} on ${counted(edges, "edge")}: ${report.passed ? "as expected" : "FELL SHORT"}`,
    `requests    ${requests}, of which ${errors} failed; ${(Number(bytes) / MEGA).toFixed(1)} MB`,
    `hit rate    ${(hitRate * PERCENT).toFixed(1)} %`,
    `first byte  ${firstByteP50Ms.toFixed(1)} ms (p50), ${firstByteP99Ms.toFixed(1)} ms (p99)`,
    `stalls      ${stalls}`,
    ...shortfalls.map((shortfall) => `- ${shortfall}`),
  ];
}
