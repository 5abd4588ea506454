/** A picture as a browser shows it, with the moment at which it was captured as the page tells it. */
import type { Page } from "playwright-core";

/** Brightness (0 to 255) of an image, row by row. */
export interface GrayImage {
  width: number;
  height: number;
  pixels: Uint8Array;
}

export interface ShownFrame {
  /** Unix ms of this very frame, by what the page tells of the picture. */
  momentMs: number;
  image: GrayImage;
}

interface Wanted {
  width: number;
  height: number;
  /** Only a frame that is captured then or later. */
  fromMs: number;
}

/**
 * Waits for the page to tell the moment of its picture, and takes the frame that is shown right then. Between the two
 * there is no time in which the video could go on. What is shown lags behind the video's time by what drawing takes:
 * the frame's own timestamp says by how much, so it costs no accuracy on a slow machine.
 */
export async function shownFrame(page: Page, wanted: Wanted): Promise<ShownFrame> {
  const { momentMs, pixels } = await page.evaluate(capture, wanted);
  const { width, height } = wanted;
  return { momentMs, image: { width, height, pixels: Uint8Array.from(pixels) } };
}

/** So many frames that are at least so far apart. */
export async function shownFrames(
  page: Page,
  { count, apartMs, ...size }: { count: number; apartMs: number; width: number; height: number },
): Promise<ShownFrame[]> {
  const frames: ShownFrame[] = [];
  while (frames.length < count) {
    const fromMs = (frames.at(-1)?.momentMs ?? 0) + apartMs;
    frames.push(await shownFrame(page, { ...size, fromMs }));
  }
  return frames;
}

/** Runs in the page, so it uses nothing from outside of itself. */
function capture({ width, height, fromMs }: Wanted): Promise<Captured> {
  const NO_PICTURE_MS = 20_000;
  const video = document.querySelector("[data-testid=player]");
  const player = video.closest("figure");
  const take = (): Captured | undefined => {
    const playingMs = Number(player.dataset["playingMs"] ?? Number.NaN);
    const frame = new VideoFrame(video);
    // The clock of both is that of the video: microseconds here, seconds there.
    const momentMs = playingMs + frame.timestamp / 1_000 - video.currentTime * 1_000;
    const context = new OffscreenCanvas(width, height).getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(frame, 0, 0, width, height);
    frame.close();
    if (!(momentMs >= fromMs)) return undefined;
    const { data } = context.getImageData(0, 0, width, height);
    // ITU-R BT.709, as the recordings have it.
    const pixels = Array.from({ length: width * height }, (_, at) =>
      Math.round(0.2126 * data[4 * at]! + 0.7152 * data[4 * at + 1]! + 0.0722 * data[4 * at + 2]!),
    );
    return { momentMs, pixels };
  };
  return new Promise((resolve, reject) => {
    const observer = new MutationObserver(() => {
      try {
        const captured = take();
        if (captured) resolve(captured);
        else return;
      } catch (error) {
        reject(error as Error);
      }
      observer.disconnect();
    });
    // The page writes it ten times a second, also when it stays the same.
    observer.observe(player, { attributeFilter: ["data-playing-ms"] });
    setTimeout(() => reject(new Error(`no frame within ${NO_PICTURE_MS} ms`)), NO_PICTURE_MS);
  });
}

interface Captured {
  momentMs: number;
  pixels: number[];
}

/** What `capture` uses of a browser; this project's tests know Node's names only. */
interface PageElement {
  currentTime: number;
  dataset: Record<string, string | undefined>;
  closest(selector: string): PageElement;
}
interface Canvas {
  imageSmoothingQuality: string;
  drawImage(image: unknown, left: number, top: number, width: number, height: number): void;
  getImageData(left: number, top: number, w: number, h: number): { data: Uint8ClampedArray };
}
declare const document: { querySelector(selector: string): PageElement };
declare const VideoFrame: new (video: PageElement) => { timestamp: number; close(): void };
declare const OffscreenCanvas: new (w: number, h: number) => { getContext(kind: "2d"): Canvas };
declare const MutationObserver: new (callback: () => void) => {
  observe(element: PageElement, options: { attributeFilter: string[] }): void;
  disconnect(): void;
};
