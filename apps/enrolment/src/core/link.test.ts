import { DevicePhase } from "@glassline/proto/enrolment";
import { expect, test } from "vitest";

import { phaseOf } from "./device.ts";
import { AGAIN_MS, standingOf } from "./link.ts";
import { lengthText, momentText } from "./moments.ts";

const NOW_MS = Date.UTC(2026, 10, 22, 6, 30);
const open = {
  expiresMs: NOW_MS + 1,
  usedMs: undefined,
  isDeviceRevoked: false,
  isSamePage: false,
};

test.each([
  [open, "open"],
  [{ ...open, expiresMs: NOW_MS }, "expired"],
  [{ ...open, usedMs: NOW_MS }, "used"],
  [{ ...open, usedMs: NOW_MS, isSamePage: true }, "again"],
  [{ ...open, usedMs: NOW_MS, isSamePage: true, expiresMs: NOW_MS - 1 }, "again"],
  [{ ...open, usedMs: NOW_MS - AGAIN_MS, isSamePage: true }, "used"],
  [{ ...open, isDeviceRevoked: true }, "revoked"],
  [{ ...open, usedMs: NOW_MS, isSamePage: true, isDeviceRevoked: true }, "revoked"],
] as const)("a link in the state %# is %s", (state, standing) => {
  expect(standingOf(state, NOW_MS)).toBe(standing);
});

test.each([
  ["invited", NOW_MS + 1, DevicePhase.INVITED],
  ["invited", NOW_MS, DevicePhase.EXPIRED],
  ["enrolled", NOW_MS - 1, DevicePhase.ENROLLED],
  ["revoked", NOW_MS + 1, DevicePhase.REVOKED],
] as const)("a device that is %s is in a phase of its own", (phase, expiresMs, expected) => {
  const device = { id: "dev-1", channel: "harbour", name: "Anna", phase, sinceMs: 0, expiresMs };
  expect(phaseOf(device, NOW_MS)).toBe(expected);
});

test.each([
  [30_000, "1 minute"],
  [59 * 60_000, "59 minutes"],
  [3_600_000, "1 hour"],
  [2 * 86_400_000 - 1, "1 day"],
  [3 * 86_400_000, "3 days"],
])("%d ms are %s", (lengthMs, text) => {
  expect(lengthText(lengthMs)).toBe(text);
});

test("a moment is told with its day, hour and distance", () => {
  expect(momentText(NOW_MS + 86_400_000, NOW_MS)).toMatch(
    /^Monday,? 23 November at 06:30 UTC, in 1 day$/,
  );
});
