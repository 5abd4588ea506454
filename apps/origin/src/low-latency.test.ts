/** Low latency over real sockets, with the test card and a clock that is turned by hand. */
import type { MediaPlaylist, MultivariantPlaylist } from "@glassline/hls/playlist";
import { applyDelta } from "@glassline/hls/delta";
import { parsePlaylist } from "@glassline/hls/playlist";
import type { SimulatedClock } from "@glassline/service/clock/testing";
import { simulatedClock } from "@glassline/service/clock/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { brokenRules } from "./core/playlist-rules.testing.ts";
import type { OriginUnderTest, Question } from "./origin.testing.ts";
import { eventually, openOrigin } from "./origin.testing.ts";

/** 100 ms behind the end of the fifth segment of a pass: the next part ends 380 ms later. */
const START_MS = Date.UTC(2026, 5, 1, 12, 0, 10, 100);
const NEXT_PART_MS = 380;
const LIVE = "/live/cam-0001";
const MEDIA = `${LIVE}/picture.m3u8`;

let clock: SimulatedClock;
let bed: OriginUnderTest;
beforeEach(async () => {
  clock = simulatedClock(START_MS);
  bed = await openOrigin([], clock);
});
afterEach(() => bed[Symbol.asyncDispose]());

const media = (text: string) => parsePlaylist(text) as MediaPlaylist;
const newestOf = ({ segments }: MediaPlaylist) => segments.at(-1)!.sequence;
const partsOf = ({ segments, lowLatency }: MediaPlaylist) =>
  [...segments, ...(lowLatency?.open ? [lowLatency.open] : [])].flatMap(({ parts = [] }) => parts);

/** A request that waits; `settled` tells whether it still does. */
async function held(target: string, question?: Question) {
  const before = await bed.metric("origin_held_requests");
  const state = { settled: false };
  const answer = bed.ask(target, question).finally(() => (state.settled = true));
  await eventually(async () =>
    (await bed.metric("origin_held_requests")) > before ? true : undefined,
  );
  return { answer, state };
}

describe("playlists", () => {
  test("offer two qualities of the test card that are equally far", async () => {
    const index = parsePlaylist((await bed.ask(`${LIVE}/index.m3u8`)).text) as MultivariantPlaylist;
    expect(index.variants.map(({ uri }) => uri)).toEqual(["picture.m3u8", "picture-2.m3u8"]);
    expect(index.variants[1]!.bandwidth).toBeLessThan(index.variants[0]!.bandwidth);
    const [first, second] = await Promise.all(
      index.variants.map(async ({ uri }) => media((await bed.ask(`${LIVE}/${uri}`)).text)),
    );
    expect(brokenRules(first!)).toEqual([]);
    expect(brokenRules(second!)).toEqual([]);
    expect(second!.serverControl).toEqual(first!.serverControl);
    const times = ({ segments }: MediaPlaylist) =>
      segments.map(({ sequence, durationMs, programTimeMs, discontinuitySequence }) => [
        sequence,
        durationMs,
        programTimeMs,
        discontinuitySequence,
      ]);
    expect(times(second!)).toEqual(times(first!));
    const [report] = first!.lowLatency!.renditionReports;
    expect(report).toEqual({ uri: "picture-2.m3u8", lastSequence: newestOf(first!), lastPart: 3 });
  });

  test("are asked for again each second, and those that were waited for are kept", async () => {
    const plain = await bed.ask(MEDIA);
    expect(plain.headers["cache-control"]).toBe("public, max-age=1");
    expect(plain.headers["surrogate-key"]).toBe("channel:cam-0001");
    const newest = newestOf(media(plain.text));
    const blocking = await bed.ask(`${MEDIA}?_HLS_msn=${newest}&_HLS_part=3`);
    expect(blocking.headers["cache-control"]).toBe("public, max-age=12");
    expect(blocking.text).toBe(plain.text);
    const gone = await bed.ask(`${MEDIA}?_HLS_msn=${newest - 12}`);
    expect(gone.headers["cache-control"]).toBe("public, max-age=1");
  });

  test("are told not to be new when they are not", async () => {
    const { text } = await bed.ask(MEDIA);
    const [part] = partsOf(media(text));
    const targets = [`${LIVE}/index.m3u8`, MEDIA, `${LIVE}/${part!.uri}`];
    for (const target of [...targets, `${LIVE}/${media(text).segments[0]!.mapUri}`]) {
      const { status, headers } = await bed.ask(target);
      expect(status).toBe(200);
      expect(headers.etag).toMatch(/^"[\w-]{22}"$/);
      const again = await bed.ask(target, { headers: { "if-none-match": `"x", ${headers.etag}` } });
      expect(again.status).toBe(304);
      expect(again.body).toHaveLength(0);
      for (const name of ["etag", "cache-control", "surrogate-key"])
        expect(again.headers[name]).toBe(headers[name]);
    }
    await clock.advance(NEXT_PART_MS);
    const { headers } = await bed.ask(MEDIA);
    const changed = await bed.ask(MEDIA, { headers: { "if-none-match": '"other"' } });
    expect([changed.status, changed.headers.etag]).toEqual([200, headers.etag]);
  });
});

describe("blocking reload", () => {
  test("waits for a part, and for a whole segment", async () => {
    const before = media((await bed.ask(MEDIA)).text);
    const next = newestOf(before) + 1;
    const part = await held(`${MEDIA}?_HLS_msn=${next}&_HLS_part=0`);
    const segment = await held(`${MEDIA}?_HLS_msn=${next}`);
    const behind = await held(`${MEDIA}?_HLS_msn=${next}&_HLS_part=4`);
    await clock.advance(NEXT_PART_MS - 1);
    expect(part.state.settled).toBe(false);
    await clock.advance(1);
    const withPart = media((await part.answer).text);
    expect(withPart.lowLatency!.open).toMatchObject({ sequence: next });
    expect(partsOf(withPart).at(-1)!.uri).toBe(before.lowLatency!.preloadHint);
    await clock.advance(2_000 - 100 - NEXT_PART_MS - 1);
    expect(segment.state.settled).toBe(false);
    await clock.advance(1);
    const whole = await segment.answer;
    expect(newestOf(media(whole.text))).toBe(next);
    expect(whole.headers["cache-control"]).toBe("public, max-age=12");
    // A part behind the last one is the first of the next segment.
    expect(behind.state.settled).toBe(false);
    await clock.advance(480);
    expect(media((await behind.answer).text).lowLatency!.open!.sequence).toBe(next + 1);
    expect(await bed.metric("origin_holds_total", 'outcome="answered"')).toBe(3);
  });

  test("gives at once what is there, and what is long gone", async () => {
    const { text } = await bed.ask(MEDIA);
    const newest = newestOf(media(text));
    for (const query of [`_HLS_msn=${newest}`, `_HLS_msn=${newest}&_HLS_part=0`, "_HLS_msn=1"])
      expect((await bed.ask(`${MEDIA}?${query}`)).text).toBe(text);
    expect(await bed.metric("origin_holds_total")).toBe(0);
  });

  test.each([
    ["_HLS_part=1", /without _HLS_msn/],
    ["_HLS_msn=abc", /got \\"abc\\", expected a decimal integer/],
    ["_HLS_msn=NEWEST+3", /expected at most/],
    ["_HLS_msn=NEWEST+2&_HLS_part=3", /8 parts ahead, expected at most 6/],
    ["_HLS_skip=maybe", /expected YES or v2/],
  ])("refuses %s", async (query, reason) => {
    const newest = newestOf(media((await bed.ask(MEDIA)).text));
    const written = query.replace(
      /NEWEST\+(\d)/,
      (_all, more: string) => `${newest + Number(more)}`,
    );
    const { status, text } = await bed.ask(`${MEDIA}?${written}`);
    expect(status).toBe(400);
    expect(text).toMatch(reason);
  });

  test("lets a client go that leaves", async () => {
    const newest = newestOf(media((await bed.ask(MEDIA)).text));
    const leaving = new AbortController();
    const { answer } = await held(`${MEDIA}?_HLS_msn=${newest + 1}`, { signal: leaving.signal });
    leaving.abort();
    await expect(answer).rejects.toThrow(/abort/i);
    await eventually(async () =>
      (await bed.metric("origin_holds_total", 'outcome="left"')) === 1 ? true : undefined,
    );
    expect(await bed.metric("origin_held_requests")).toBe(0);
  });

  test("gives only what is new to who asks for that, also when it is waited for", async () => {
    const older = media((await bed.ask(MEDIA)).text);
    const next = newestOf(older) + 1;
    const { answer } = await held(`${MEDIA}?_HLS_msn=${next}&_HLS_part=0&_HLS_skip=YES`);
    await clock.advance(NEXT_PART_MS);
    const { text } = await answer;
    const delta = media(text);
    const full = await bed.ask(MEDIA);
    expect(delta.skippedSegments).toBeGreaterThan(0);
    expect(applyDelta(older, delta)).toEqual(media(full.text));
    expect(text.length).toBeLessThan(full.text.length);
    expect((await bed.ask(`${MEDIA}?_HLS_skip=v2`)).text).toBe(text);
  });
});

describe("parts", () => {
  test("that are hinted at are given as soon as they exist, whole; those further ahead are not", async () => {
    const { preloadHint } = media((await bed.ask(MEDIA)).text).lowLatency!;
    expect(preloadHint).toMatch(/^[0-9a-f]{8}\/\d+\.0\.m4s$/);
    const { answer } = await held(`${LIVE}/${preloadHint}`);
    const after = preloadHint!.replace(".0.m4s", ".1.m4s");
    expect((await bed.ask(`${LIVE}/${after}`)).status).toBe(404);
    await clock.advance(NEXT_PART_MS);
    const part = await answer;
    expect(part.status).toBe(200);
    expect(part.headers).toMatchObject({
      "content-type": "video/iso.segment",
      "cache-control": "public, max-age=3600, immutable",
    });
    expect((await bed.ask(`${LIVE}/${preloadHint}`)).body).toEqual(part.body);
  });

  test("make up their segment, in both qualities, and are kept as long as it is", async () => {
    for (const name of ["picture.m3u8", "picture-2.m3u8"]) {
      const playlist = media((await bed.ask(`${LIVE}/${name}`)).text);
      const { uri, parts } = playlist.segments.at(-1)!;
      const bytes = await Promise.all(
        parts!.map(async (part) => (await bed.ask(`${LIVE}/${part.uri}`)).body),
      );
      expect(Buffer.concat(bytes)).toEqual((await bed.ask(`${LIVE}/${uri}`)).body);
    }
    const { uri, parts } = media((await bed.ask(MEDIA)).text).segments.at(-1)!;
    const targets = [uri, parts![0]!.uri, parts![3]!.uri].map((one) => `${LIVE}/${one}`);
    const statuses = () =>
      Promise.all(targets.map(async (target) => (await bed.ask(target)).status));
    await clock.advance(60_000);
    expect(await statuses()).toEqual([200, 200, 200]);
    await clock.advance(20_000);
    expect(await statuses()).toEqual([404, 404, 404]);
    expect((await bed.ask(`${LIVE}/${parts![0]!.uri.replace(".0.", ".9.")}`)).status).toBe(404);
  });
});
