import { spawnSync } from "node:child_process";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { ROOT } from "./images/apps.ts";

const imageCheck = (...words: string[]) =>
  spawnSync(process.execPath, [join(ROOT, "tools/image-check.ts"), ...words], { encoding: "utf8" });

describe("npm run image:check", () => {
  test("says what it does and for which apps", () => {
    const { status, stdout } = imageCheck("--help");
    expect(stdout).toMatch(/^Usage: npm run image:check \[-- APP\.\.\.\]$/m);
    expect(stdout).toMatch(/^Apps .*: camera, .*, origin$/m);
    expect(status).toBe(0);
  });

  test.each(["pilot", "--all", "stack", "apps/camera"])(
    "refuses %s, and names the apps",
    (word) => {
      const { status, stderr } = imageCheck("camera", word);
      expect(stderr).toMatch(
        new RegExp(`^apps: got ${word}, expected some of camera, .*, origin$`, "m"),
      );
      expect(status).toBe(64);
    },
  );
});
