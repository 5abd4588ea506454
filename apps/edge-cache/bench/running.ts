import type { PinnedProcess } from "@glassline/bench/pinned-process";

export interface Started extends AsyncDisposable {
  process: PinnedProcess;
  port: number;
  /** With TLS and HTTP/2; undefined: it has none. */
  tlsPort: number | undefined;
}

/** A cache that runs, in front of the origin. */
export interface Running extends Started {
  name: string;
  /** Another one of the kind, which has not been asked anything. */
  anew: () => Promise<Started>;
}

/** What parts that start edges of their own need. */
export interface Place {
  directory: string;
  originPort: number;
}
