/** What the collector may tell cameras, downlink. */
export interface Directive {
  /** Empty: all cameras of the producer. */
  cameraId: string;
  action: { samplingIntervalMs: number } | { reportNow: true };
}
