import { Random } from "@glassline/bench/fleet-model";
import { expect, test } from "vitest";

import { torture } from "./torture.ts";

const KILLS = 20;

test.each([{ shards: 1 }, { shards: 2 }])(
  `nothing acknowledged is lost or stored twice by ${KILLS} kills at random moments, $shards shards`,
  { timeout: 240_000 },
  async ({ shards }) => {
    const chance = new Random(7);
    const tortured = await torture(
      { kills: KILLS, shards, streams: 4, senders: 2, checkEvery: 5 },
      () => chance.uniform(),
      { tell: () => {}, say: () => {} },
      new AbortController().signal,
    );
    expect(tortured.problems).toEqual([]);
    expect(tortured.kills).toBeGreaterThanOrEqual(KILLS);
    expect(tortured.acknowledgedPoints).toBeGreaterThan(1_000);
  },
);
