/** What one request may hold. A small body may name large things many times, so what it becomes is limited, not only its bytes. */
export const LIMITS = {
  /** After the compression is taken off. */
  requestMaxBytes: 8_388_608,
  labelsMaxPerSeries: 256,
  labelNameMaxCharacters: 1_024,
  labelValueMaxCharacters: 65_536,
  /** Labels, helps and units of all points: as often as OTLP repeats them. */
  textsMaxCharacters: 12_582_912,
  /** Buckets of one native histogram, with the empty ones between its spans. */
  bucketsMaxPerHistogram: 10_000,
  bucketsMaxPerRequest: 1_000_000,
  /** Reasons that are told with an example. */
  examplesMax: 10,
  exampleMaxCharacters: 200,
} as const;
