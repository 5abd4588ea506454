/** What may happen to a mesh: links that come and go, prices, nodes that start anew, services. */
import type { Random } from "@glassline/service/random";

import type { VirtualMesh } from "./virtual-mesh.ts";

const DEGREE_MAX = 4;
const COST_MAX = 200;
/** Between two things that happen, at most. */
const PAUSE_MAX_MS = 60;

/** One thing of them, and some time. */
export function churn(mesh: VirtualMesh, random: Random): void {
  const { names } = mesh;
  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)];
  const cost = () => 1 + Math.floor(random() * COST_MAX);
  const [a, b] = [pick(names)!, pick(names)!];
  const around = mesh.neighbours(a);
  const neighbour = pick(around);
  const what = random();
  if (what < 0.4) {
    if (a !== b && !around.includes(b) && around.length < DEGREE_MAX)
      mesh.connect(a, b, [cost(), cost()]);
  } else if (what < 0.6) {
    if (neighbour !== undefined) mesh.disconnect(a, neighbour);
  } else if (what < 0.65) mesh.restart(a);
  else if (what < 0.9) {
    if (neighbour !== undefined) mesh.price(a, neighbour, cost());
  } else if (what < 0.95) mesh.offer(a, random() < 0.5 ? [] : ["collector"]);
  mesh.run(mesh.nowMs + random() * PAUSE_MAX_MS);
}
