import { expect, test } from "vitest";

import { countedFrom, discontinuitySequence } from "./discontinuities.ts";

const PLAYLIST =
  "#EXTM3U\n#EXT-X-DISCONTINUITY-SEQUENCE:148627613\n#EXT-X-DISCONTINUITY\n#EXTINF:2,\n1.m4s\n";

test("discontinuities are counted from the first one seen", () => {
  expect(discontinuitySequence(PLAYLIST)).toBe(148_627_613);
  expect(countedFrom(148_627_610, PLAYLIST)).toBe(
    "#EXTM3U\n#EXT-X-DISCONTINUITY-SEQUENCE:3\n#EXT-X-DISCONTINUITY\n#EXTINF:2,\n1.m4s\n",
  );
});

test("a playlist without the number stays as it is, and none becomes negative", () => {
  const plain = "#EXTM3U\n#EXT-X-DISCONTINUITY\n";
  expect(discontinuitySequence(plain)).toBeUndefined();
  expect(countedFrom(7, plain)).toBe(plain);
  expect(countedFrom(148_627_700, PLAYLIST)).toContain("SEQUENCE:0\n");
});
