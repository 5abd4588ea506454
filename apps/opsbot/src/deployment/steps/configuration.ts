/** Step 1: VNIs and subnets, and with them what each machine shall have. */
import type { SetDesiredStateRequest } from "@glassline/proto/node";

import { withoutPrefix } from "../../core/deployment/addresses.ts";
import type { Kept, Layout } from "../../core/deployment/layout.ts";
import { layoutOf } from "../../core/deployment/layout.ts";
import { counted } from "../../core/words.ts";
import { lookAtMachines } from "../../machines.ts";
import { factsOf, ownerOf } from "../facts.ts";
import type { Work } from "../parts.ts";
import type { Step } from "./step.ts";

export const configuration: Step = {
  name: "configuration",
  // What the store says is so; whether machines have it is the next step's matter.
  lacks: async () => [],
  run: async (work) => {
    // Ports that a channel gets are known to the next one.
    const { wish, services } = await work.parts.layouts.take(async () => {
      const layout = await allocated(work);
      const { wish: goal, kept } = layout;
      await work.parts.journal.transact(({ deployments }) =>
        deployments.change(work.deployment.channel, { goal, kept }),
      );
      return layout;
    });
    const edges = counted(wish.edges.length, "edge");
    const [segment] = wish.segments;
    if (!segment) return { says: `${edges}, without an overlay` };
    const vnis = new Set(wish.segments.map(({ vni }) => vni));
    const machines = counted(wish.segments.length, "machine");
    const network = segment.address.replace(/[0-9a-f]+\//, "/");
    const also = services.map(
      ({ name, machine, address }) => `; ${name} at ${withoutPrefix(address)} on ${machine}`,
    );
    const says = `VNI ${[...vnis].join(", ")}, ${network} on ${machines}; ${edges}`;
    return { says: says + also.join("") };
  },
  undo: async ({ parts, deployment }) => {
    const { owners } = deployment.kept;
    const machines = overlayMachines(deployment.kept, deployment.goal, deployment.told);
    for (const owner of owners) await parts.vnis.release(owner, machines);
    const vnis = counted(owners.length, "VNI");
    return owners.length === 0
      ? { says: "it had no VNI" }
      : { says: `${vnis} released; nobody gets them before all machines are without them` };
  },
};

/** What the description comes to on these machines. Rejects with LayoutError, and when VNIs are used up. */
async function allocated(work: Work): Promise<Layout> {
  const { parts, deployment, description, effects } = work;
  const { region, ipv4 } = description.overlay;
  const owners = new Set(deployment.kept.owners);
  const look = await lookAtMachines(effects.network);
  const all = await parts.journal.deployments.all();
  const facts = await factsOf(work, look, all, async (site, isCore) => {
    const owner = ownerOf(deployment.channel, site);
    owners.add(owner);
    // Before it is there, so that it is released whatever happens.
    const kept = { ...deployment.kept, owners: [...owners] };
    await parts.journal.transact(({ deployments }) =>
      deployments.change(deployment.channel, { kept }),
    );
    return parts.vnis.allocate({
      owner,
      tenant: description.tenant,
      ...(site !== "" && { site }),
      ...(region !== undefined && { region }),
      ipv4: ipv4 && isCore,
    });
  });
  const { wish, kept, services } = layoutOf(facts);
  return {
    wish,
    services,
    kept: {
      ...kept,
      owners: [...owners],
      overlayMachines: overlayMachines(kept, deployment.goal, wish),
    },
  };
}

/** Also those that died: they have it still when they are back. */
function overlayMachines(
  kept: Kept,
  ...wishes: readonly Pick<SetDesiredStateRequest, "segments">[]
): string[] {
  const told = wishes.flatMap(({ segments }) => segments.map(({ machine }) => machine));
  return [...new Set([...kept.overlayMachines, ...told])];
}
