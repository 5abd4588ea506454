/** What the origin would say: each body tells its address, and how often that and its group have changed. */

/** Addresses that are purged together by their tag. */
const GROUP = 50;
const BODY_LEAST_BYTES = 40;
const BODY_SPAN_BYTES = 12_000;

interface Versions {
  /** What the origin says from now on. */
  now: number;
  /** No older one may be served any more: the edge has said so. */
  least: number;
  /** Purges that the edge has not answered. */
  asked: number;
}

/** Versions of an address and of its group at one moment. */
export interface Moment {
  own: number;
  group: number;
}

export class World {
  readonly #own = new Map<number, Versions>();
  readonly #groups = new Map<number, Versions>();
  #addresses = 0;

  /** How many there are. */
  get addresses(): number {
    return this.#addresses;
  }

  add(): number {
    return this.#addresses++;
  }

  pathOf(address: number): string {
    return `/torture/${groupOf(address)}/${address}.m4s`;
  }

  tagOf(address: number): string {
    return `group-${groupOf(address)}`;
  }

  /** Undefined for a path that is none. */
  addressOf(path: string): number | undefined {
    const match = /\/(\d+)\.m4s$/.exec(path);
    return match ? Number(match[1]) : undefined;
  }

  inGroupOf(address: number): number[] {
    const first = groupOf(address) * GROUP;
    const all = Array.from({ length: GROUP }, (_, at) => first + at);
    return all.filter((one) => one < this.#addresses);
  }

  now(address: number): Moment {
    return { own: this.#ownOf(address).now, group: this.#groupOf(address).now };
  }

  least(address: number): Moment {
    return { own: this.#ownOf(address).least, group: this.#groupOf(address).least };
  }

  /** Whether the edge is being told to forget it. */
  isPurged(address: number): boolean {
    return this.#ownOf(address).asked + this.#groupOf(address).asked > 0;
  }

  /** The origin says something new. @returns what to call when the edge has said that nobody gets the old, or has been killed. */
  change(address: number, what: "own" | "group"): (isDone: boolean) => void {
    const versions = what === "own" ? this.#ownOf(address) : this.#groupOf(address);
    const version = ++versions.now;
    versions.asked++;
    return (isDone) => {
      versions.asked--;
      if (isDone) versions.least = Math.max(versions.least, version);
    };
  }

  bodyOf(address: number, { own, group }: Moment): Buffer {
    const size = BODY_LEAST_BYTES + ((Math.imul(address, 2_654_435_761) >>> 0) % BODY_SPAN_BYTES);
    return Buffer.alloc(size, `${this.pathOf(address)} ${own} ${group}\n`);
  }

  /** Whether the origin said this, at the earliest when the versions were those. */
  mayBe(address: number, body: Buffer, least: Moment): boolean {
    const { own, group } = this.now(address);
    for (let ownAt = least.own; ownAt <= own; ownAt++)
      for (let groupAt = least.group; groupAt <= group; groupAt++)
        if (this.bodyOf(address, { own: ownAt, group: groupAt }).equals(body)) return true;
    return false;
  }

  #ownOf(address: number): Versions {
    return known(this.#own, address);
  }

  #groupOf(address: number): Versions {
    return known(this.#groups, groupOf(address));
  }
}

const groupOf = (address: number): number => Math.floor(address / GROUP);

function known(all: Map<number, Versions>, name: number): Versions {
  const versions = all.get(name) ?? { now: 0, least: 0, asked: 0 };
  all.set(name, versions);
  return versions;
}
