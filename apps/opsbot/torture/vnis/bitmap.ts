/** Who was told which VNI, by what the replicas answered alone: knows nothing of the database or the allocator. */

const PROBLEMS_MAX = 20;

export class Bitmap {
  readonly #bits: Uint8Array;
  /** By the owner's number; 0: none yet. */
  readonly #vniOf: Uint32Array;
  readonly #vnis: number;
  /** VNIs that are somebody's. */
  set = 0;
  duplicates = 0;
  /** Owners that were told another VNI than before. */
  changed = 0;
  /** For people; the first ones. */
  readonly problems: string[] = [];

  constructor(vnis: number, owners: number) {
    this.#vnis = vnis;
    this.#bits = new Uint8Array(Math.ceil((vnis + 1) / 8));
    this.#vniOf = new Uint32Array(owners);
  }

  vniOf(owner: number): number {
    return this.#vniOf[owner] ?? 0;
  }

  has(vni: number): boolean {
    return (this.#bits[vni >> 3]! & (1 << (vni & 7))) !== 0;
  }

  told(owner: number, vni: number): void {
    const before = this.#vniOf[owner]!;
    if (!(vni >= 1 && vni <= this.#vnis)) {
      this.#problem(`owner ${owner}: got VNI ${vni}, expected 1 to ${this.#vnis}`);
      return;
    }
    if (before === vni) return;
    if (before !== 0) {
      this.changed++;
      this.#problem(`owner ${owner}: got VNI ${vni}, expected ${before} as before`);
      return;
    }
    if (this.has(vni)) {
      this.duplicates++;
      this.#problem(`owner ${owner}: got VNI ${vni}, which is somebody else's`);
      return;
    }
    this.#bits[vni >> 3]! |= 1 << (vni & 7);
    this.#vniOf[owner] = vni;
    this.set++;
  }

  /** It was released: nobody has its VNI. */
  drop(owner: number): void {
    const vni = this.#vniOf[owner]!;
    if (vni === 0) return;
    this.#bits[vni >> 3]! &= ~(1 << (vni & 7));
    this.#vniOf[owner] = 0;
    this.set--;
  }

  #problem(text: string): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push(text);
  }
}
