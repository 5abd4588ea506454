import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { systemClock } from "@glassline/service/clock";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { untilExecuted } from "./processes.ts";

const INSTANCE_ID = "b7f2f3c0";
/** Of which some looks fall between one program and the next. */
const LOOKING_MS = 1_000;

describe.skipIf(process.platform !== "linux")("a process that has just been made", () => {
  let folder = "";
  let child: ChildProcess;
  let isOver = false;
  let executed: Promise<void>;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "glassline-processes-"));
    const script = join(folder, "again.sh");
    const words = [
      "#!/bin/sh",
      `[ -e ready ] && exec /bin/sh -c "sleep 60; :" ${INSTANCE_ID}`,
      'exec "$0"',
    ];
    await writeFile(script, words.join("\n"), { mode: 0o700 });
    child = spawn(script, { cwd: folder, detached: true });
    await once(child, "spawn");
    isOver = false;
    const name = { processId: child.pid!, instanceId: INSTANCE_ID };
    executed = untilExecuted(name, systemClock).then(() => void (isOver = true));
    await systemClock.sleep(LOOKING_MS);
  });

  afterEach(async () => {
    if (child.signalCode === null) process.kill(-child.pid!, "SIGKILL");
    await rm(folder, { recursive: true });
  });

  it("is waited for while it becomes one program after another, until it is the one", async () => {
    expect(isOver).toBe(false);
    await writeFile(join(folder, "ready"), "");
    await executed;
    expect(child.signalCode).toBeNull();
  });

  it("is not waited for when it has ended", async () => {
    expect(isOver).toBe(false);
    child.kill("SIGKILL");
    await executed;
  });
});
