/** What is where on the test card, for its generator and for tests that read its frames. Pixels. */
export const CARD = {
  width: 640,
  height: 360,
  framesPerSecond: 25,
  seconds: 60,
  keyframeSeconds: 2,
} as const;

/** The frame's number (0-1499) in blocks, lowest bit first. */
export const BLOCK = { bits: 11, left: 144, top: 296, width: 32, height: 24 } as const;
