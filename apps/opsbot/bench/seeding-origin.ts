/** An origin for the benchmark of seeding, a process of its own: a live channel, and films to seed. */
import { createServer } from "node:http";

const SEGMENT_S = 1;
const LIVE_SEGMENTS = 6;
const LIVE_BYTES = 250_000;
const FILM_SEGMENTS = 100;
const FILM_BYTES = 200_000;
const LIVE = Buffer.alloc(LIVE_BYTES, "live");
const FILM = Buffer.alloc(FILM_BYTES, "film");

const server = createServer(({ url = "/" }, response) => {
  const { pathname } = new URL(url, "http://origin");
  const isLive = pathname.startsWith("/live/");
  if (pathname.endsWith(".m3u8"))
    response.setHeader("cache-control", isLive ? "max-age=1" : "max-age=3600");
  else response.setHeader("cache-control", "max-age=3600");
  if (pathname === "/live/c/index.m3u8")
    response.end("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=2000000\nv.m3u8\n");
  else if (pathname === "/live/c/v.m3u8") response.end(livePlaylist());
  else if (pathname.endsWith(".m3u8")) response.end(FILM_PLAYLIST);
  else response.end(isLive ? LIVE : FILM);
});

function livePlaylist(): string {
  const next = Math.floor(Date.now() / (SEGMENT_S * 1_000));
  const numbers = Array.from({ length: LIVE_SEGMENTS }, (_, at) => next - LIVE_SEGMENTS + at);
  return playlist(numbers, "");
}

function playlist(numbers: readonly number[], end: string): string {
  const segments = numbers.map((number) => `#EXTINF:${SEGMENT_S},\n${number}.m4s\n`).join("");
  return `#EXTM3U\n#EXT-X-TARGETDURATION:${SEGMENT_S}\n#EXT-X-MEDIA-SEQUENCE:${numbers[0]}\n${segments}${end}`;
}

const FILM_PLAYLIST = playlist(
  Array.from({ length: FILM_SEGMENTS }, (_, at) => at),
  "#EXT-X-ENDLIST\n",
);

server.listen(Number(process.argv[2]), "127.0.0.1", () => process.send?.({ ready: {} }));
process.once("disconnect", () => {
  server.close();
  server.closeAllConnections();
});
