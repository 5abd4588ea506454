import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{proto,packages,apps,tools}/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
