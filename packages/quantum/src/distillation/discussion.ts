/** What the two ends of a quantum link say to each other in public. Numbers of frames and blocks count from 0; bits are a byte each. */

/** Of a frame: the pulses at which the detectors clicked, ascending, and the bases in which they measured. */
export interface Clicked {
  frame: number;
  pulses: Uint32Array;
  bases: Uint8Array;
}

/** Which of those were measured as they were sent, and how strong those pulses were (STRENGTHS). */
export interface Sifted {
  frame: number;
  /** A byte a click. */
  kept: Uint8Array;
  /** Of those that are kept. */
  strengths: Uint8Array;
}

/** Bits of what is kept and is no signal: they make no key, and tell how good the link is. */
export interface Revealed {
  frame: number;
  bits: Uint8Array;
  /** Whether the receiver has enough for a block, and corrects it now. */
  isFull: boolean;
}

/** How the two ends correct a block. */
export interface Correcting {
  /** As far as it is known. */
  qber: number;
  /** Of the orders of Cascade. */
  seed: number;
}

/** After correction: a hash by which the sender sees whether both have the same. */
export interface Verify {
  hash: Uint8Array;
  /** Of the hash, drawn by lot after the correction. */
  key: Uint8Array;
  errors: number;
}

/** What becomes of the block. */
export interface Verdict {
  /** 0: nothing, it is thrown away. */
  outputBits: number;
  /** Of the Toeplitz matrix. */
  seed: Uint8Array;
  /** Share of wrong bits, as it turned out; undefined where the two ends still differ. */
  qber: number | undefined;
}
