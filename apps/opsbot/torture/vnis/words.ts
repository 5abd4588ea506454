/** What a replica's process is told, and what it tells. Owners are numbers here. */

export interface Chunk {
  /** Of its first owner. */
  first: number;
  count: number;
}

export type Order =
  | { allocate: Chunk }
  /** Owners of these numbers are wished no more; the first of them are seen on a node. */
  | { reconcile: { kept: number; dropEach: number; seen: number } };

export type Told =
  | { ready: true }
  | { allocated: Chunk; vnis: Uint32Array }
  /** A page of those that are wished no more is being looked for. */
  | { looking: true }
  | { reconciled: { leaked: number; blocksReturned: number } }
  | { refused: string };

export const ownerOf = (number: number): string => `o${number}`;
export const numberOf = (owner: string): number => Number(owner.slice(1));

export const TENANT = "acme";
/** Where some of the VNIs are seen that nobody wishes. */
export const NODE = "node-1";

/** Whether an owner is among those that are wished no more. */
export const isDropped = (owner: number, { kept, dropEach }: { kept: number; dropEach: number }) =>
  owner < kept && owner % dropEach === 0;
