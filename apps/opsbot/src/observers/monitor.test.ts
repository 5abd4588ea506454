/** What the embedded monitor keeps of what it looks at. */
import { simulatedClock } from "@glassline/service/clock/testing";
import { expect, test } from "vitest";

import { Monitor } from "./monitor.ts";
import type { Finding } from "./observer.ts";

const found = (object: string): Finding => ({
  object,
  check: "health",
  state: "critical",
  output: "it does not answer",
});

test("what is no more stays forgotten, also by a look that had begun before", async () => {
  const looks: ((findings: Finding[]) => void)[] = [];
  const run = () => new Promise<Finding[]>((resolve) => looks.push(resolve));
  const check = { name: "health", maxAttempts: 1, volatile: false, run };
  await using monitor = new Monitor([check], simulatedClock());
  const names = () => monitor.observations().map(({ object }) => object);
  /** @returns what ends it. */
  const look = (...objects: string[]) => {
    const looking = monitor.look(objects[0]!, "health");
    return () => {
      looks.shift()!(objects.map(found));
      return looking;
    };
  };

  await look("edge-1", "edge-2")();
  expect(names()).toEqual(["edge-1", "edge-2"]);

  const end = look("edge-1", "edge-2");
  monitor.forget("edge-2");
  expect(await end()).toMatchObject({ object: "edge-1" });
  expect(names()).toEqual(["edge-1"]);

  // One that is made anew with the same name is looked at.
  await look("edge-1", "edge-2")();
  expect(names()).toEqual(["edge-1", "edge-2"]);
});
