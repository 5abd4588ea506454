/** The torture in small. */
import { PassThrough } from "node:stream";

import { progressOn } from "@glassline/bench/progress";
import { expect, test } from "vitest";

import { scratch } from "../../src/stores/store.testing.ts";
import { torture } from "./deployments.ts";
import { startDeploymentNetwork } from "./network.ts";

test(
  "an OpsBot that dies while it deploys a channel brings it to its end, once",
  { timeout: 300_000 },
  async () => {
    const directory = scratch();
    await using network = await startDeploymentNetwork(directory);
    const tortured = await torture(
      { directory, network, most: 3 },
      progressOn(new PassThrough() as never),
      new AbortController().signal,
    );
    expect(tortured.problems).toEqual([]);
    expect(tortured.died).toBeGreaterThan(3);
  },
);
