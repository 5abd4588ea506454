import { expect, test } from "vitest";

import { unmetLimits } from "./cgroups.ts";

const onLinux = test.skipIf(process.platform !== "linux");

onLinux("limits that nobody set are told", async () => {
  const limits = { memoryMaxBytes: 123_456_789_000n, cpuMillis: 12_345, tasksMax: 54_321 };
  const problems = await unmetLimits(process.pid, limits);
  expect(problems).toHaveLength(3);
  for (const [at, name] of ["memory_max_bytes", "cpu_millis", "tasks_max"].entries())
    expect(problems[at]).toMatch(new RegExp(`^${name}: got .+, expected \\d+$`));
});

onLinux("what was not asked for is no problem", async () => {
  expect(await unmetLimits(process.pid, undefined)).toEqual([]);
  const none = { memoryMaxBytes: 0n, cpuMillis: 0, tasksMax: 0 };
  expect(await unmetLimits(process.pid, none)).toEqual([]);
});
