/** What one request may hold. A small body may name large things many times, so what it becomes is limited, not only its bytes. */
export const LIMITS = {
  /** After the compression is taken off. */
  requestMaxBytes: 8_388_608,
  labelsMaxPerSeries: 256,
  /** Names and values of all labels of a request, as often as they are said. */
  labelsMaxBytes: 12_582_912,
  /** Buckets of one native histogram, with the empty ones between its spans. */
  bucketsMaxPerHistogram: 10_000,
  bucketsMaxPerRequest: 1_000_000,
  /** Reasons that are told with an example. */
  examplesMax: 10,
  exampleMaxCharacters: 200,
} as const;
