/** One-time pads in virtual time: how much of them flows get over ways that follow the price of keys, over the shortest ways, and at most. */
import { about, report } from "@glassline/bench/report";
import type { Random } from "@glassline/service/random";
import { seededRandom } from "@glassline/service/random";

import { mostBytesPerS, mostConcurrentShare } from "../simulator/flow-optimum.ts";
import type { Flow, PadLink } from "../simulator/pad-traffic.ts";
import { PadTraffic } from "../simulator/pad-traffic.ts";
import { MovingMesh, grid } from "../simulator/topologies.ts";
import type { VirtualMesh } from "../simulator/virtual-mesh.ts";
import { NEAR } from "../simulator/virtual-mesh.ts";

const BENCH = "mesh-pads";
/** Of a quantum link in the field: 8 to 25 kb/s. */
const MADE_PER_S = [1_000, 3_125] as const;
const FLOWS = 8;
const SETTLE_MS = 5_000;
/** What was stored at first is used up by then. */
const WARM_UP_S = 3_600;

type Shape = "grid 5x5" | "50 places";

const SHAPES: Record<Shape, (random: Random) => VirtualMesh> = {
  "grid 5x5": (random) => grid(5, random, NEAR),
  "50 places": (random) => new MovingMesh(50, 0.22, random, NEAR).mesh,
};

export async function measurePads(isQuick: boolean): Promise<void> {
  about(
    BENCH,
    "Virtual time, the routing core and the prices of real nodes; links make 8 to 25 kb/s of keys each, drawn by lot, and store 96 KiB. Eight flows from and to nodes drawn by lot; fluid: what has no pads on its whole way waits at its source. Load 1: as much as a linear program (HiGHS; maximum concurrent flow) can bring wholly; 1.2 and 2 times as much: against the most that all flows together can have, whose they are does not matter. An hour to use up what is stored, then what arrives in the next one, against that optimum and against ways that do not look at keys (the same core, all links at the same price). Goals: 1.3 times as much as those, within 5 % of the optimum.",
  );
  const seeds = isQuick ? [1] : [1, 2, 3, 4, 5];
  const loads = isQuick ? [1] : [1, 1.2, 2];
  const lengthS = isQuick ? 300 : 3_600;
  for (const shape of isQuick ? (["grid 5x5"] as const) : (Object.keys(SHAPES) as Shape[]))
    for (const load of loads) await measure(shape, load, seeds, lengthS);
}

async function measure(
  shape: Shape,
  load: number,
  seeds: readonly number[],
  lengthS: number,
): Promise<void> {
  const [ofOptimum, overHops]: [number[], number[]] = [[], []];
  for (const seed of seeds) {
    const { links, flows } = await drawn(shape, seed, load);
    const most = (await mostBytesPerS(links, flows)) * lengthS;
    const [byHops, byKeys] = [false, true].map((isPriced) => {
      const mesh = meshOf(shape, seed);
      const traffic = new PadTraffic(mesh, links, seededRandom(seed), isPriced);
      traffic.run(flows, 1_000 * Math.min(lengthS, WARM_UP_S));
      return sum(traffic.run(flows, 1_000 * lengthS));
    }) as [number, number];
    ofOptimum.push(byKeys / most);
    overHops.push(byKeys / byHops);
  }
  const params = { shape, load, flows: FLOWS, meshes: seeds.length, length_s: lengthS };
  report(BENCH, "of_optimum_worst", 100 * Math.min(...ofOptimum), "%", params);
  report(BENCH, "of_optimum_mean", (100 * sum(ofOptimum)) / seeds.length, "%", params);
  report(BENCH, "over_hop_count_worst", Math.min(...overHops), "1", params);
  report(BENCH, "over_hop_count_mean", sum(overHops) / seeds.length, "1", params);
}

/** Links and flows of a mesh. @param load 1: all that is sent can arrive, and no more. */
async function drawn(
  shape: Shape,
  seed: number,
  load: number,
): Promise<{ links: PadLink[]; flows: Flow[] }> {
  const mesh = meshOf(shape, seed);
  const random = seededRandom(seed + 100);
  const [least, most] = MADE_PER_S;
  const links = mesh.names.flatMap((a) =>
    mesh
      .neighbours(a)
      .filter((b) => a < b)
      .map((b): PadLink => ({ ends: [a, b], madePerS: least + random() * (most - least) })),
  );
  const flows = Array.from({ length: FLOWS }, (): Flow => {
    const from = oneOf(mesh.names, random);
    const others = [...mesh.reachable(from)].filter((name) => name !== from);
    return { from, to: oneOf(others, random), perS: 1_000 };
  });
  const share = load * (await mostConcurrentShare(links, flows));
  return { links, flows: flows.map((flow) => ({ ...flow, perS: share * flow.perS })) };
}

function meshOf(shape: Shape, seed: number): VirtualMesh {
  const mesh = SHAPES[shape](seededRandom(seed));
  mesh.run(SETTLE_MS);
  return mesh;
}

const oneOf = (names: readonly string[], random: Random): string =>
  names[Math.floor(random() * names.length)]!;

const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);
