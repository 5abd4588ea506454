/** How long tests wait for what is to come, at least: a machine that does other work beside them must not decide. */
import { vi } from "vitest";

const PATIENCE_MS = 30_000;

const { waitFor } = vi;

vi.waitFor = (callback, options = {}) => {
  const { timeout = 0, ...rest } = typeof options === "number" ? { timeout: options } : options;
  return waitFor(callback, { ...rest, timeout: Math.max(timeout, PATIENCE_MS) });
};
