/** What a process of the stack is started with. */
import type { PeerName } from "@glassline/service/identity";

export interface ProcessPlan {
  /** Also its instance name; e.g. "node-2". */
  name: string;
  app:
    | "camera"
    | "mesh-node"
    | "kme"
    | "collector"
    | "origin"
    | "node-agent"
    | "opsbot"
    | "enrolment"
    | "dashboard";
  arguments: readonly string[];
  environment: Readonly<Record<string, string>>;
  /** Ports it listens on, with what the operator should know them by. */
  ports: readonly { port: number; what: string }[];
  identity: PeerName;
}

export function processOf(
  app: ProcessPlan["app"],
  name: string,
  environment: Readonly<Record<string, string>>,
): Pick<ProcessPlan, "app" | "name" | "identity" | "environment"> {
  return { app, name, identity: { role: app, instance: name }, environment };
}

export type Flags = Readonly<Record<string, string | number | true | readonly string[]>>;

/** {port: 1, peer: ["a", "b"], gateway: true} -> --port=1 --peer=a --peer=b --gateway */
export function flags(values: Flags): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    if (value === true) return [`--${name}`];
    return (Array.isArray(value) ? value : [value]).map(
      (one: string | number) => `--${name}=${one}`,
    );
  });
}
