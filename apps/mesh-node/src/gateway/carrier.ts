/** What a session travels on: a stream of messages that may end at any moment. Adapter: mesh-carrier.ts. */

export interface Carrier {
  /** The node that hands the stream to the collector. */
  readonly egress: string;
  /** @param hopContexts the gateway's spans for the sampled reports in the message, 29 bytes each. */
  send(message: Uint8Array, hopContexts: readonly Uint8Array[]): void;
  isReachable(): boolean;
  close(reason: string): void;
}

export interface CarrierEvents {
  message(bytes: Uint8Array): void;
  closed(reason: string): void;
}
