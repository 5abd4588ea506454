/** What a stream may hold and may yet be sent, together, when few streams are open. */
const WINDOW_MAX_BYTES = 4_194_304;

/**
 * The share of one of so many streams in the memory for all. It halves when they have doubled, so that credit need not follow every
 * stream that comes or goes. However small, a window lets one batch at a time through.
 */
export function streamWindowBytes(memoryBytes: number, streams: number): number {
  const shares = 2 ** Math.ceil(Math.log2(Math.max(1, streams)));
  return Math.min(WINDOW_MAX_BYTES, Math.max(1, Math.floor(memoryBytes / shares)));
}
