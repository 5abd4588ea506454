/** Names of what an encoder may push. Pure. */

/** "cam-7/video_0/seg-12.m4s": no dots at the start of a part, at most four parts. */
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}){0,3}$/;

export const PUSHED_TYPES: Readonly<Record<string, string>> = {
  m3u8: "application/vnd.apple.mpegurl",
  mp4: "video/mp4",
  m4s: "video/iso.segment",
  m4a: "audio/mp4",
  ts: "video/mp2t",
  aac: "audio/aac",
  vtt: "text/vtt",
};

/** Extension of a name that may be pushed; undefined for any other. */
export function pushedExtension(path: string): string | undefined {
  const extension = path.slice(path.lastIndexOf(".") + 1);
  return NAME.test(path) && Object.hasOwn(PUSHED_TYPES, extension) ? extension : undefined;
}

/**
 * Address within the channel that a playlist means by a URI; undefined when it lies elsewhere: no address that a playlist
 * names beyond its own channel is ever fetched or served.
 * @param from path of the playlist within the channel.
 */
export function withinChannel(uri: string, from: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(uri) || uri.startsWith("/") || uri.includes("\\"))
    return undefined;
  const parts = from.split("/").slice(0, -1);
  for (const part of uri.split(/[?#]/)[0]!.split("/")) {
    if (part === "..") {
      if (parts.pop() === undefined) return undefined;
    } else if (part !== "." && part !== "") parts.push(part);
  }
  const path = parts.join("/");
  return pushedExtension(path) ? path : undefined;
}
