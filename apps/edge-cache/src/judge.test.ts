/** The outside judge: http-cache-tests 0.4.5, of 2021. Where it expects what standards since then say otherwise, the standard counts. */
import { expect, test } from "vitest";

import { startEdge } from "./edge-cache.testing.ts";
import type { Results } from "./judge.testing.ts";
import { startJudge } from "./judge.testing.ts";

const AGE = "RFC 9111 section 5.1: the first value counts, an invalid one is ignored";
const SURROGATE = "Surrogate-Control was never a standard; RFC 9213 is: CDN-Cache-Control";
const AWAY = "it takes an answer of 502 for one from the cache; its later versions do not";
const PART = "it sends 5 bytes as bytes 4-9, or has no validator: RFC 9110 section 15.3.7.3";

/** By the beginning of their ids. */
const DISAGREEMENTS: Readonly<Record<string, string>> = {
  "age-parse-": AGE,
  "surrogate-": SURROGATE,
  "stale-close-": AWAY,
  "partial-store-partial-": PART,
  "304-etag-update-response-ETag": "the new tag that it sends is not that of what is stored",
  "conditional-lm-fresh-no-lm":
    "RFC 9111 section 4.3.2: Date stands for Last-Modified, and is later here",
  "method-POST":
    "answers to POST are not stored: RFC 9111 section 3 allows it, nobody here needs it",
};

/** Those that only ask how a cache behaves where standards leave it open. */
const QUESTIONS =
  /^(?:freshness-max-age-(?:decimal|a100|100a|two-stale|quoted|space|multiple)|freshness-expires-(?:32bit|far|invalid|wrong|rfc850|ansi)|stale-(?:503|warning)|heuristic-delta|ccreq-|pragma-|conditional-etag-(?:strong-respond-obs|quoted|unquoted|weak-respond|vary-headers-mis|strong-generate-unq|forward)|head-|other-heuristic|headers-omit)/;

function disagreements(results: Results): string[] {
  return Object.entries(results).flatMap(([id, result]) => {
    const isKnown = Object.keys(DISAGREEMENTS).some((beginning) => id.startsWith(beginning));
    return result === true || isKnown || QUESTIONS.test(id) ? [] : [`${id}: ${result.join(" ")}`];
  });
}

test("http-cache-tests finds nothing but what is explained", { timeout: 240_000 }, async () => {
  await using judge = await startJudge();
  await using edge = await startEdge(`http://127.0.0.1:${judge.port}`);
  const base = `http://127.0.0.1:${edge.addresses.port}`;
  const results = await judge.run(base);
  expect(Object.keys(results).length).toBeGreaterThan(330);
  const found = disagreements(results);
  // Some wait seconds for what should become stale: a busy machine may be late once.
  const again = found.length > 0 ? disagreements(await judge.run(base)) : [];
  expect(
    again.filter((line) => found.some((each) => each.split(":")[0] === line.split(":")[0])),
  ).toEqual([]);
  expect(Object.values(results).filter((result) => result === true).length).toBeGreaterThan(260);
});
