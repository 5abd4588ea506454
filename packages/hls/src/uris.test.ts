import { expect, test } from "vitest";

import { mapUris, urisIn } from "./uris.ts";

const MEDIA = `#EXTM3U
#EXT-X-TARGETDURATION:2
# a comment
#EXT-X-MAP:URI="init.mp4",BYTERANGE="10@0"
#EXT-X-DATERANGE:ID="ad",X-ASSET-LIST="list.json"
#EXTINF:2,a title
seg-0.m4s
#EXT-X-PART:DURATION=0.5,URI="part-1.m4s"
`;

test("all that makes a player fetch something is found, in order", () => {
  expect(urisIn(MEDIA)).toEqual(["init.mp4", "list.json", "seg-0.m4s", "part-1.m4s"]);
  expect(urisIn('#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI="/s",PATHWAY-ID="a"\n')).toEqual([
    "/s",
  ]);
});

test.each([
  ['#EXT-X-KEY:METHOD=AES-128, URI="https://evil.example/key"', "https://evil.example/key"],
  ["#EXT-X-KEY:METHOD=AES-128,URI=https://evil.example/key", "https://evil.example/key"],
  ['#EXT-X-KEY:METHOD=AES-128,URI = "https://evil.example/key"', "https://evil.example/key"],
  ['  #EXT-X-MAP:URI="//evil.example/init.mp4"', "//evil.example/init.mp4"],
  ['# x #EXT-X-SESSION-KEY:METHOD=AES-128,URI="//evil.example/"', "//evil.example/"],
])("the address in %s is found, because some player finds it", (line, uri) => {
  expect(urisIn(`#EXTM3U\n${line}\n`)).toEqual([uri]);
});

test("nothing but the addresses is changed", () => {
  expect(mapUris(MEDIA, (uri) => uri)).toBe(MEDIA);
  const crlf = MEDIA.replaceAll("\n", "\r\n");
  expect(mapUris(crlf, (uri) => uri)).toBe(crlf);
  expect(mapUris(crlf, (uri) => `x/${uri}`)).toContain("\r\nx/seg-0.m4s\r\n");
  expect(mapUris("seg-$&.m4s\n", (uri) => `${uri}$1`)).toBe("seg-$&.m4s$1\n");
});
