import { defineConfig } from "vitest/config";

const EVERYWHERE = ["{proto,packages,apps,tools}/**/*.test.ts"];
/** They look at how soon something happens, or are a whole network of processes: other tests beside them would decide. */
const ALONE = ["apps/{edge-cache,stack}/**/*.test.ts"];
const NEVER = ["**/node_modules/**", "**/dist/**"];

export default defineConfig({
  test: {
    // A machine that does other work beside it must not decide.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
    setupFiles: ["tools/patience.ts"],
    projects: [
      {
        extends: true,
        test: {
          name: "beside",
          include: EVERYWHERE,
          exclude: [...NEVER, ...ALONE],
          // Most of them wait for processes most of the time.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "alone",
          include: ALONE,
          exclude: NEVER,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
