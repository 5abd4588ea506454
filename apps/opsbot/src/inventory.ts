/** Names of what there is. */
import type { DesiredState } from "./actions/desired-state.ts";
import type { OpsBotConfig } from "./config.ts";
import type { Inventory } from "./desk.ts";
import type { Network } from "./network.ts";

export function inventoryOf(
  { collector, meshNode }: Pick<OpsBotConfig, "collector" | "meshNode">,
  { edges, channels }: Pick<Network, "edges" | "channels">,
  { overlays }: Pick<DesiredState, "overlays">,
  named: Pick<Inventory, "deployments" | "machines" | "descriptions">,
): Inventory {
  const nodes = meshNode.map(({ name }) => name);
  return {
    edges: [...edges.keys()],
    channels: channels.known().map(({ name }) => name),
    links: nodes.flatMap((one) =>
      nodes.filter((other) => other > one).map((other) => `${one}/${other}`),
    ),
    collectors: collector.map(({ name }) => name),
    overlays,
    ...named,
  };
}
