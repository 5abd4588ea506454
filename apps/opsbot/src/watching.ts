/** Edges that were deployed are watched and guarded as the others are, from the moment at which they are known. */
import { hostAndPort } from "./core/deployment/addresses.ts";
import { DOMAINS } from "./guard-settings.ts";
import type { Guard } from "./guard.ts";
import type { Machines } from "./machines.ts";
import type { Network } from "./network.ts";
import type { Deployment, DeploymentReads } from "./stores/deployments.ts";
import type { Vnis } from "./vnis/vnis.ts";
import { Turns } from "./stores/turns.ts";

export interface WatchingDeps {
  network: Pick<Network, "know">;
  guard: Pick<Guard, "learn" | "forget">;
  machines: Pick<Machines, "known">;
  deployments: Pick<DeploymentReads, "all">;
  vnis: Pick<Vnis, "awaitedNodes">;
  /** Results of checks of what is no more are forgotten. */
  forget: (object: string) => void;
}

/** @returns what brings it up to date, one call after the other. Rejects when the journal cannot be read. */
export function watching({
  network,
  guard,
  machines,
  deployments,
  vnis,
  forget,
}: WatchingDeps): () => Promise<void> {
  let channels: readonly string[] = [];
  const turns = new Turns();
  const watch = async () => {
    const all = await deployments.all();
    const endpoints = all.flatMap(({ told, kept }) =>
      told.edges.flatMap(({ name }) => {
        const at = hostAndPort(kept.administration[name] ?? "");
        return at ? [[name, { name, ...at }] as const] : [];
      }),
    );
    const { came, went } = network.know(new Map(endpoints));
    for (const name of came) {
      const channel = servedBy(name, all);
      guard.learn(name, { kind: "edge", domain: DOMAINS.edge, ...(channel && { channel }) });
    }
    const names = all.map(({ channel }) => channel);
    for (const name of names) guard.learn(name, { kind: "channel", domain: DOMAINS.channel });
    const onMachines = all.flatMap(({ goal }) => goal.edges.map(({ machine }) => machine));
    // An earlier life of OpsBot knew of them; they can still be forgotten.
    const awaited = await vnis.awaitedNodes().catch(() => []);
    const members = all.flatMap(({ kept }) => kept.overlayMachines);
    for (const name of [...machines.known().keys(), ...onMachines, ...members, ...awaited])
      guard.learn(name, { kind: "machine", domain: DOMAINS.machine });
    for (const name of [...went, ...channels.filter((one) => !names.includes(one))]) {
      guard.forget(name);
      forget(name);
    }
    channels = names;
  };
  // What was read before is never taken in after what was read later.
  return () => turns.take(watch);
}

/** A shield serves the edges of its channel, and no viewers: it is nobody's peer. */
function servedBy(edge: string, all: readonly Deployment[]): string | undefined {
  for (const { channel, told } of all) {
    const spec = told.edges.find(({ name }) => name === edge);
    if (spec) return spec.shielded.length > 0 ? `the shield of ${channel}` : channel;
  }
  return undefined;
}
