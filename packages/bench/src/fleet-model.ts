/** The synthetic cameras of the benchmarks: fixed, so that a figure means the same tomorrow. 24 series each, 1 Hz. */

const NOW = 1_790_000_000_000_000_000n;
const SECOND_NANO = 1_000_000_000n;
const JITTER_NANO = 2_000_000;

interface SeriesModel {
  metric: string;
  isCounter?: true;
  decimals: number;
  start: (random: Random) => number;
  next: (value: number, random: Random) => number;
}

/** Linear congruential, and normal numbers by Box and Muller. */
export class Random {
  #state: number;

  constructor(seed = 1) {
    this.#state = seed;
  }

  uniform(): number {
    this.#state = (Math.imul(1_664_525, this.#state) + 1_013_904_223) >>> 0;
    return this.#state / 4_294_967_296;
  }

  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(this.uniform() || Number.MIN_VALUE));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }
}

const rounded = (size: number, random: Random) => Math.round(size * random.normal());
const at = (start: number) => () => start;

const jumping = (metric: string, probability: number, size: number): SeriesModel => ({
  metric,
  decimals: 3,
  start: at(500),
  next: (value, random) => (random.uniform() < probability ? value + rounded(size, random) : value),
});
const wandering = (metric: string): SeriesModel => ({
  metric,
  decimals: 2,
  start: at(2_500),
  next: (value, random) => value + rounded(3, random),
});
const counting = (metric: string): SeriesModel => ({
  metric,
  isCounter: true,
  decimals: 0,
  start: (random) => Math.floor(1_000 * random.uniform()),
  next: (value, random) => value + 25 + (random.uniform() < 0.1 ? 1 : 0),
});
const switching = (metric: string): SeriesModel => ({
  metric,
  decimals: 0,
  start: at(3),
  next: (value, random) => (random.uniform() < 0.001 ? Math.floor(4 * random.uniform()) : value),
});
const flickering = (metric: string): SeriesModel => ({
  metric,
  decimals: 0,
  start: at(0),
  next: (_value, random) => rounded(40, random),
});

export const SERIES: readonly SeriesModel[] = [
  jumping("camera.lens.focus.position", 0.02, 20),
  jumping("camera.lens.zoom.position", 0.02, 20),
  jumping("camera.lens.iris.attenuation", 0.05, 5),
  jumping("camera.sensor.gain", 0.05, 5),
  wandering("camera.environment.temperature"),
  wandering("camera.environment.humidity"),
  wandering("camera.sensor.temperature"),
  wandering("camera.environment.illuminance"),
  wandering("camera.thermal.spot.temperature"),
  wandering("camera.thermal.box.temperature.max"),
  counting("camera.frames.captured"),
  counting("camera.frames.dropped"),
  counting("camera.stream.io"),
  counting("camera.stream.packets"),
  counting("camera.stream.packets.lost"),
  counting("camera.uptime"),
  switching("camera.status"),
  switching("camera.focus.move_status"),
  switching("camera.ir_cut.state"),
  switching("camera.tamper.state"),
  flickering("camera.motion.vector.x"),
  flickering("camera.motion.vector.y"),
  flickering("camera.motion.magnitude"),
  flickering("camera.motion.cells.active"),
];

/** One tick of all cameras: series of a camera stand together. */
export interface Tick {
  timeUnixNano: BigUint64Array;
  value: Float64Array;
}

/** @param cameras each with its 24 series. */
export function* fleetTicks(cameras: number, ticks: number, seed = 1): Generator<Tick> {
  const random = new Random(seed);
  const wholes = Array.from({ length: cameras }, () => SERIES.map(({ start }) => start(random)));
  for (let tick = 0; tick < ticks; tick++) {
    const value = new Float64Array(cameras * SERIES.length);
    const timeUnixNano = new BigUint64Array(value.length);
    let place = 0;
    for (const camera of wholes) {
      const jitter = Math.floor(JITTER_NANO * random.uniform());
      const time = NOW + BigInt(tick) * SECOND_NANO + BigInt(jitter);
      SERIES.forEach(({ next, decimals }, series) => {
        // A zero has no sign here: cameras send integers.
        const whole = next(camera[series]!, random) + 0;
        camera[series] = whole;
        timeUnixNano[place] = time;
        value[place++] = whole / 10 ** decimals;
      });
    }
    yield { timeUnixNano, value };
  }
}
