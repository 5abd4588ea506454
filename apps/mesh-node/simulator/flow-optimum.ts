/** What no routing can be better than: a linear program, solved by HiGHS. */
import highs from "highs";

import type { Flow, PadLink } from "./pad-traffic.ts";

// Its types are those of the CommonJS build; Node takes the other one.
const loadHighs = highs as unknown as typeof highs.default;

/**
 * The largest share of all flows that links can carry at once, any flow over as many ways as it likes (maximum concurrent flow; Shahrokhi and Matula,
 * Journal of the ACM 1990).
 */
export function mostConcurrentShare(
  links: readonly PadLink[],
  flows: readonly Flow[],
): Promise<number> {
  const sent = flows.map(({ perS }) => `${perS} share`);
  return solve("share", [...conserved(links, flows, sent), ...bounded(links, flows)]);
}

/** Bytes a second, of all flows together, that links can carry at most; whose they are does not matter. */
export function mostBytesPerS(links: readonly PadLink[], flows: readonly Flow[]): Promise<number> {
  const sent = flows.map((_, flow) => `s${flow}`);
  const wanted = flows.map(({ perS }, flow) => `s${flow} <= ${perS}`);
  const constraints = [...conserved(links, flows, sent), ...bounded(links, flows), ...wanted];
  return solve(sent.join(" + "), constraints);
}

async function solve(objective: string, constraints: readonly string[]): Promise<number> {
  const named = constraints.map((one, at) => `c${at}: ${one}`);
  const problem = `Maximize\nobj: ${objective}\nSubject To\n${named.join("\n")}\nEnd`;
  const { Status, ObjectiveValue } = (await loadHighs()).solve(problem);
  if (Status !== "Optimal") throw new Error(`linear program: got ${Status}, expected Optimal`);
  return ObjectiveValue;
}

interface Arc {
  link: number;
  from: string;
  to: string;
}

const arcsOf = (links: readonly PadLink[]): Arc[] =>
  links.flatMap(({ ends: [a, b] }, link) => [
    { link, from: a, to: b },
    { link, from: b, to: a },
  ]);

const on = (flow: number, arc: number) => `f${flow}_${arc}`;

/** At each node goes out what came in, and at its source what is sent. */
function conserved(
  links: readonly PadLink[],
  flows: readonly Flow[],
  sent: readonly string[],
): string[] {
  const arcs = arcsOf(links);
  const nodes = [...new Set(arcs.map(({ from }) => from))];
  return flows.flatMap(({ from, to }, flow) =>
    nodes
      .filter((node) => node !== to)
      .map((node) => {
        const out = arcs.flatMap((arc, at) => (arc.from === node ? [`+ ${on(flow, at)}`] : []));
        const into = arcs.flatMap((arc, at) => (arc.to === node ? [`- ${on(flow, at)}`] : []));
        const own = node === from ? [`- ${sent[flow]}`] : [];
        return `${[...out, ...into, ...own].join(" ")} = 0`;
      }),
  );
}

/** A link has so many pads, for all flows and both directions. */
function bounded(links: readonly PadLink[], flows: readonly Flow[]): string[] {
  const arcs = arcsOf(links);
  return links.map(({ madePerS }, link) => {
    const own = arcs.flatMap((arc, at) => (arc.link === link ? [at] : []));
    const terms = own.flatMap((at) => flows.map((_, flow) => on(flow, at)));
    return `${terms.join(" + ")} <= ${madePerS}`;
  });
}
