/** Where samples come from. Adapters: simulated.ts, gopro.ts. Contract suite: source.contract.ts. */
import type { Directive } from "@glassline/otqmn/directive";
import type { Series } from "@glassline/otqmn/sample";

export interface Sample {
  series: Series;
  timeUnixNano: bigint;
  value: number;
}

/** What one camera measured at about one moment. */
export interface CameraReport {
  cameraId: string;
  samples: readonly Sample[];
}

export interface SourceCamera {
  cameraId: string;
  /** Facts about the camera; "camera.source" names the source. */
  attributes: Readonly<Record<string, string>>;
}

export interface Source {
  readonly cameras: readonly SourceCamera[];
  /** Reports as time goes by, until the signal is aborted; then it ends without an error. */
  reports(signal: AbortSignal): AsyncIterable<CameraReport>;
  /** Obeys a directive for one of its cameras. @returns false when it cannot; a source without this never can. */
  obey?(directive: Directive): boolean;
}
