/** Pictures from a file or an encoder, through an origin and two edges, to players: on real sockets, in one process. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, get as plainGet } from "node:http";
import { request } from "node:https";

import { readRecording } from "@glassline/camera/recording";
import { fetchGet } from "@glassline/hls/fetch";
import type { PlayerReport } from "@glassline/hls/player";
import { Player } from "@glassline/hls/player";
import type { MediaPlaylist } from "@glassline/hls/playlist";
import { parsePlaylist } from "@glassline/hls/playlist";
import { EdgeCacheService } from "@glassline/proto/edge";
import { jsonClient } from "@glassline/proto/json";
import { OriginService } from "@glassline/proto/origin";
import { systemClock } from "@glassline/service/clock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { FFMPEG, RECORDING, testWith } from "./testing/requirements.ts";
import { Testbed, eventually } from "./testing/testbed.ts";

const TOKEN = "a-token-of-this-test";
const PUSH_KEY = "a-key-of-this-test";
const PAGE = "http://localhost:1234";
const PORTS = [18_471, 18_472] as const;
const edgeUrl = (edge: number) => `http://localhost:${PORTS[edge - 1]}`;

let bed: Testbed;
let origin: Awaited<ReturnType<Testbed["origin"]>>;
let edges: Awaited<ReturnType<Testbed["edge"]>>[];
beforeAll(async () => {
  bed = await Testbed.open();
  origin = await bed.origin({ "push-key": PUSH_KEY });
  edges = await Promise.all([1, 2].map(startEdge));
});
afterAll(() => bed[Symbol.asyncDispose]());

function startEdge(edge: number) {
  const other = 3 - edge;
  return bed.edge(`edge-${edge}`, origin.addresses.port, {
    port: PORTS[edge - 1]!,
    peer: `edge-${other}=${edgeUrl(other)}`,
    "allowed-origin": PAGE,
    "admin-token": TOKEN,
  });
}

const admin = (edge: number, token?: string) =>
  jsonClient(
    EdgeCacheService,
    `http://localhost:${edges[edge - 1]!.addresses.adminPort}`,
    (url, init) =>
      fetch(url, {
        ...init,
        headers: { ...init?.headers, ...(token && { authorization: `Bearer ${token}` }) },
      }),
  );

function players(channel: string, count: number, lengthMs: number): Promise<PlayerReport[]> {
  return Promise.all(
    Array.from({ length: count }, (_, at) => {
      const order = at % 2 === 0 ? [1, 2] : [2, 1];
      const player = new Player({
        urls: order.map((edge) => `${edgeUrl(edge)}/live/${channel}/index.m3u8`),
        get: fetchGet,
        clock: systemClock,
        sessionId: `player-${at}`,
      });
      return player.play(AbortSignal.timeout(lengthMs));
    }),
  );
}

describe("viewers", { timeout: 60_000 }, () => {
  test("200 players on both edges play without an error, and the origin is asked once an object for both", async () => {
    const before = await Promise.all([1, 2].map((edge) => admin(edge).getStatus()));
    const reports = await players("cam-0001", 200, 15_000);
    for (const { errors, skipped, segments } of reports) {
      expect(errors).toEqual({});
      expect(skipped).toBe(0);
      expect(segments).toBeGreaterThanOrEqual(7);
    }
    const after = await Promise.all([1, 2].map((edge) => admin(edge).getStatus()));
    let fetches = 0n;
    for (const [at, { total, viewers }] of after.entries()) {
      expect(total!.errors).toBe(0n);
      expect(viewers).toBeGreaterThanOrEqual(100);
      expect(total!.hits + total!.coalesced).toBeGreaterThan(1_000n);
      fetches += total!.originFetches - before[at]!.total!.originFetches;
    }
    // 15 s: some 8 segments and an initialization section, and playlists that are fresh for a second.
    expect(fetches).toBeLessThan(60n);
  });

  test("of low latency wait at an edge for the next part, and get it whole", async () => {
    const media = `${edgeUrl(1)}/live/cam-0001/picture.m3u8`;
    const read = async (url: string) =>
      parsePlaylist(await (await fetch(url)).text()) as MediaPlaylist;
    const { segments, lowLatency } = await read(media);
    const { open, preloadHint } = lowLatency!;
    const wanted = `_HLS_msn=${segments.at(-1)!.sequence + 1}&_HLS_part=${open?.parts.length ?? 0}`;
    const [after, part] = await Promise.all([
      read(`${media}?${wanted}`),
      fetch(new URL(preloadHint!, media)),
    ]);
    const parts = [...after.segments, ...(after.lowLatency!.open ? [after.lowLatency!.open] : [])];
    const named = parts.flatMap((one) => one.parts ?? []).map(({ uri }) => uri);
    expect(named).toContain(preloadHint);
    expect(part.status).toBe(200);
    expect((await part.arrayBuffer()).byteLength).toBeGreaterThan(500);
  });

  test("are told to leave an edge that has died, by the other one", async () => {
    const steering = async (edge: number) => {
      const response = await fetch(`${edgeUrl(edge)}/steering/cam-0001?_HLS_pathway=edge-1`);
      return ((await response.json()) as { "PATHWAY-PRIORITY": string[] })["PATHWAY-PRIORITY"];
    };
    await eventually("edge-2 knows edge-1", async () =>
      (await steering(2)).includes("edge-1") ? true : undefined,
    );
    expect((await steering(2))[0]).toBe("edge-1");
    const playing = players("cam-0001", 4, 9_000);
    await systemClock.sleep(3_000);
    await edges[0]![Symbol.asyncDispose]();
    await eventually("edge-2 knows that edge-1 is gone", async () =>
      (await steering(2)).includes("edge-1") ? undefined : true,
    );
    for (const report of await playing) {
      expect(report.pathway).toBe("edge-2");
      expect(report.skipped).toBe(0);
    }
    edges[0] = await startEdge(1);
  });
});

describe("what is told to pages and programs", () => {
  test("a page of the dashboard may read, another may not", async () => {
    const url = `${edgeUrl(1)}/live/cam-0001/index.m3u8`;
    const own = await fetch(url, { headers: { origin: PAGE } });
    expect(own.headers.get("access-control-allow-origin")).toBe(PAGE);
    expect((await fetch(url, { headers: { origin: "https://evil.example" } })).status).toBe(403);
  });

  test("purging needs the token, is done once a key, and forgets the channel", async () => {
    await fetch(`${edgeUrl(1)}/live/cam-0001/index.m3u8`);
    const tag = {
      target: { case: "tag", value: "channel:cam-0001" },
      idempotencyKey: "k1",
    } as const;
    await expect(admin(1).purge(tag)).rejects.toMatchObject({ code: "unauthenticated" });
    await expect(admin(1, "wrong").purge(tag)).rejects.toMatchObject({ code: "unauthenticated" });
    const first = await admin(1, TOKEN).purge(tag);
    expect(first).toMatchObject({ replayed: false });
    expect(first.objects).toBeGreaterThan(0);
    expect(await admin(1, TOKEN).purge(tag)).toMatchObject({
      replayed: true,
      objects: first.objects,
    });
    await expect(admin(1, TOKEN).purge({ idempotencyKey: "k2" })).rejects.toMatchObject({
      code: "invalid_argument",
    });
    const again = await fetch(`${edgeUrl(1)}/live/cam-0001/index.m3u8`);
    expect(again.headers.get("cache-status")).toMatch(/fwd=uri-miss/);
  });

  test("priming fetches a channel's newest segments, and no address of another server", async () => {
    const client = admin(2, TOKEN);
    await client.purge({ target: { case: "everything", value: true }, idempotencyKey: "all" });
    const primed = await client.prime({ path: "/live/cam-0001/index.m3u8", idempotencyKey: "p" });
    // Of two qualities: a playlist, an initialization section and three segments; and what names both.
    expect(primed.objects).toBe(11);
    const elsewhere = client.prime({ path: "http://elsewhere/x.m3u8", idempotencyKey: "q" });
    await expect(elsewhere).rejects.toMatchObject({ code: "invalid_argument" });
  });

  test("an origin gives channels to nobody without a certificate of the network", async () => {
    expect(await send("GET", "/live/cam-0001/index.m3u8", {})).toMatchObject({ status: 403 });
  });
});

/** A request to the origin, as an encoder makes it. */
function send(
  method: string,
  path: string,
  headers: Record<string, string>,
  body: string | Buffer = "",
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const options = {
      port: origin.addresses.port,
      path,
      method,
      headers,
      rejectUnauthorized: false,
    };
    const outgoing = request(options, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => resolve({ status: response.statusCode!, text }));
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

test("an edge closes connections beyond its limit, and counts them", async () => {
  const small = await bed.edge("edge-3", origin.addresses.port, {
    port: PORTS[1] + 2,
    connections: 2,
  });
  const agents = [1, 2, 3].map(() => new Agent({ keepAlive: true }));
  const ask = (agent: Agent) =>
    new Promise<number>((resolve, reject) => {
      const address = `http://localhost:${small.addresses.port}/live/cam-0001/index.m3u8`;
      plainGet(address, { agent }, (answer) => answer.resume() && resolve(answer.statusCode!)).on(
        "error",
        reject,
      );
    });
  expect([await ask(agents[0]!), await ask(agents[1]!)]).toEqual([200, 200]);
  await expect(ask(agents[2]!)).rejects.toThrow();
  const metrics = await fetch(`http://localhost:${small.addresses.adminPort}/metrics`);
  expect(await metrics.text()).toMatch(/edge_refused_total\{reason="connections".*\} [1-9]/);
  for (const agent of agents) agent.destroy();
});

describe("encoders", { timeout: 60_000 }, () => {
  const KEY = { authorization: `Bearer ${PUSH_KEY}` };
  const MEDIA = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nseg-0.m4s\n";

  test("need the key, a name that fits, and playlists that stay within their channel", async () => {
    const put = (path: string, headers: Record<string, string>, body: string) =>
      send("PUT", `/push/${path}`, headers, body);
    expect(await put("mine/index.m3u8", {}, MEDIA)).toMatchObject({ status: 401 });
    expect(await put("mine/index.m3u8", { authorization: "Bearer x" }, MEDIA)).toMatchObject({
      status: 401,
    });
    expect(await put("Mine!/index.m3u8", KEY, MEDIA)).toMatchObject({ status: 400 });
    expect(await put("mine/index.exe", KEY, MEDIA)).toMatchObject({ status: 400 });
    expect(await put("cam-0001/index.m3u8", KEY, MEDIA)).toMatchObject({ status: 409 });
    expect(await put("mine/index.m3u8", KEY, "<html>")).toMatchObject({ status: 400 });
    for (const line of [
      "#x\rhttp://169.254.169.254/seg-0.m4s",
      "http://169.254.169.254/seg-0.m4s",
      '#EXT-X-KEY:METHOD=AES-128,URI="https://evil.example/key.mp4"',
      '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="//evil.example/a.m3u8"',
      '#EXT-X-DATERANGE:ID="ad",START-DATE="2026-01-01T00:00:00Z",X-ASSET-URI="https://evil.example/"',
    ]) {
      const evil = await put("mine/index.m3u8", KEY, `${MEDIA}${line}\n`);
      expect(evil.status, line).toBe(400);
      expect(evil.text).toMatch(/expected names within the channel|got the character/);
    }
    expect(await put("mine/index.m3u8", KEY, MEDIA)).toMatchObject({ status: 201 });
    expect(await put("mine/seg-0.m4s", KEY, "media")).toMatchObject({ status: 201 });
    const index = await (await fetch(`${edgeUrl(1)}/live/mine/index.m3u8`)).text();
    expect(parsePlaylist(index)).toMatchObject({ kind: "multivariant" });
    const media = await (await fetch(`${edgeUrl(1)}/live/mine/~media.m3u8`)).text();
    const name = /^~[0-9a-f]{12}\/seg-0\.m4s$/m;
    expect(media.replace(name, "seg-0.m4s")).toBe(MEDIA);
    const segment = async (from: string) => {
      const address = `${edgeUrl(1)}/live/mine/${name.exec(from)![0]}`;
      return (await fetch(address)).text();
    };
    expect(await segment(media)).toBe("media");
    // An encoder that was started again counts from 0 again: caches must not mix up the two.
    expect(await put("mine/seg-0.m4s", KEY, "other media")).toMatchObject({ status: 201 });
    const newer = await (await fetch(`${edgeUrl(2)}/live/mine/~media.m3u8`)).text();
    expect(await segment(newer)).toBe("other media");
    expect(await send("DELETE", "/push/mine/seg-0.m4s", KEY)).toMatchObject({ status: 204 });
  });

  testWith("ffmpeg")(
    "like ffmpeg push a live stream that players play through the edges",
    async () => {
      const words = [
        ["-hide_banner", "-loglevel", "error", "-re", "-f", "lavfi"],
        [
          "-i",
          "testsrc2=size=320x180:rate=25:duration=25",
          "-c:v",
          "libx264",
          "-preset",
          "ultrafast",
          "-g",
          "25",
        ],
        ["-f", "hls", "-hls_time", "1", "-hls_list_size", "6", "-hls_segment_type", "fmp4"],
        [
          "-hls_flags",
          "program_date_time+delete_segments",
          "-method",
          "PUT",
          "-http_persistent",
          "1",
        ],
        ["-headers", `Authorization: ${KEY.authorization}`],
        [`https://localhost:${origin.addresses.port}/push/pushed/index.m3u8`],
      ].flat();
      const encoder = spawn(FFMPEG, words, { stdio: ["ignore", "ignore", "pipe"] });
      let complaints = "";
      encoder.stderr.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
      await eventually("the channel has segments", async () => {
        const response = await fetch(`${edgeUrl(1)}/live/pushed/~media.m3u8`);
        return response.ok && (await response.text()).split("#EXTINF").length > 4
          ? true
          : undefined;
      });
      const reports = await players("pushed", 4, 8_000);
      const ended = once(encoder, "exit");
      encoder.kill("SIGTERM");
      await ended;
      expect(complaints.replaceAll(/.*(Exiting|signal 15).*\n?/g, "")).toBe("");
      for (const { errors, segments } of reports) {
        expect(errors).toEqual({});
        expect(segments).toBeGreaterThanOrEqual(6);
      }
    },
  );
});

describe("a recording", () => {
  testWith("recording")("has one loop for picture and telemetry", async () => {
    const withRecording = await bed.origin({ camera: RECORDING });
    const client = jsonClient(
      OriginService,
      `http://localhost:${withRecording.addresses.adminPort}`,
    );
    const askedMs = Date.now();
    const { channels } = await client.listChannels();
    const channel = channels.find(({ name }) => name === "gopro-karma")!;
    const { lengthMs } = await readRecording(RECORDING, "gopro-karma");
    expect(Math.abs(channel.loopLengthMs - lengthMs)).toBeLessThan(0.01);
    expect(channel).toMatchObject({ width: 854, height: 480, codecs: "avc1.4d401f,mp4a.40.2" });
    const behindMs = askedMs - Number(channel.newestEndUnixNano / 1_000_000n);
    expect(behindMs).toBeLessThan(3_000);
  });
});
