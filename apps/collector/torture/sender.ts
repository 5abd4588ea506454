/** One that sends counted points and knows what was acknowledged. */
import type { CountedPoints } from "./counted-points.ts";
import type { Sent } from "./tally.ts";

export interface Sender extends Sent, AsyncDisposable {
  readonly points: CountedPoints;
  /** Acknowledgements may still come. */
  readonly isConnected: boolean;
  /** Why it cannot go on. */
  readonly failure: string | undefined;
}
