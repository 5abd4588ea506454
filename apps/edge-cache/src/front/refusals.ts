/** Why viewers are refused or cut off, each counted. */
export type Refusal =
  /** More connections than all clients together may have. */
  | "connections"
  /** More than one client may have. */
  | "client_connections"
  /** More requests than one client may make. */
  | "rate"
  /** Fields of a request that are too long together. */
  | "header"
  /** An address that is too long. */
  | "url"
  /** Not HTTP, or such that two servers could read it differently. */
  | "malformed"
  /** No agreement on TLS. */
  | "tls"
  /** More streams of HTTP/2 given up than a player has reason to. */
  | "resets"
  /** A request that comes too slowly. */
  | "slow_request"
  /** An answer that is taken too slowly. */
  | "slow_reader";

export type Refused = (reason: Refusal) => void;
