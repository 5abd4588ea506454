import { createHlsSource } from "./hls-source.ts";
import { createNativeSource, playsNatively } from "./native-source.ts";
import type { PictureSource, PictureSourceOptions } from "./picture-source.ts";

/** hls.js where it can work, because it tells more; undefined: this browser plays no HLS at all. */
export async function openSource(
  options: PictureSourceOptions,
): Promise<PictureSource | undefined> {
  // Loaded only when there is a picture: it is larger than the rest of the page.
  const { default: HlsPlayer } = await import("hls.js");
  if (HlsPlayer.isSupported()) return createHlsSource(HlsPlayer, options);
  return playsNatively(options.video) ? createNativeSource(options) : undefined;
}
