/** The origin of the benchmarks: a playlist of 1 kB, a segment of 2 MiB, and as many parts of 30 kB as are asked for. */
import { createServer } from "node:http";

export const PLAYLIST = "/live/bench/list.m3u8";
export const SEGMENT = "/live/bench/segment.m4s";
/** Each number is an object of its own. */
export const partPath = (number: number): string => `/live/bench/part-${number}.m4s`;

/** Each number is an object of 1 kB of its own. */
export const smallPath = (number: number): string => `/live/bench/small/${number}.m4s`;
export const SMALL_BYTES = 1_024;

const PLAYLIST_BYTES = 1_024;
const SEGMENT_BYTES = 2_097_152;
const PART_BYTES = 30_000;
/** What the origin takes for a part. */
export const PART_MS = 5;

if (import.meta.main) {
  const head = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:600\n";
  const playlist = Buffer.from(head.padEnd(PLAYLIST_BYTES, "#EXTINF:600,\nsegment.m4s\n"));
  const small = Buffer.alloc(SMALL_BYTES, "o");
  const [segment, part] = [Buffer.alloc(SEGMENT_BYTES, "s"), Buffer.alloc(PART_BYTES, "p")];
  createServer(({ url = "" }, response) => {
    response.setHeader("cache-control", "max-age=300").setHeader("etag", '"1"');
    if (url === PLAYLIST) {
      response.setHeader("content-type", "application/vnd.apple.mpegurl");
      response.setHeader("content-length", playlist.length).end(playlist);
    } else if (url === SEGMENT) {
      response.setHeader("content-length", segment.length).end(segment);
    } else if (url.startsWith("/live/bench/small/")) {
      response.setHeader("content-length", small.length).end(small);
    } else {
      response.setHeader("content-length", part.length);
      setTimeout(() => response.end(part), PART_MS);
    }
  }).listen(Number(process.argv[2]), "127.0.0.1");
}
