/** How far a destination is, and since when that holds (RFC 8966 sections 2.4 and 3.5.1). */

/** The metric of a route that is gone (RFC 8966 section 3.5.2). */
export const INFINITE_METRIC = 4_294_967_295;

export interface Distance {
  /** Of the destination, which alone raises it. */
  readonly seqno: number;
  /** Sum of the costs of the links. */
  readonly metric: number;
}

export const isBetter = (a: Distance, b: Distance): boolean =>
  a.seqno > b.seqno || (a.seqno === b.seqno && a.metric < b.metric);

export const isFinite = ({ metric }: Distance): boolean => metric < INFINITE_METRIC;
