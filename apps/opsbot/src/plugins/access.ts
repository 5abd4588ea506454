/** Asks a service as OpsBot does, by gRPC with certificates; or by its admin HTTP. */
import type { DescService } from "@bufbuild/protobuf";
import { RpcError } from "@glassline/proto/errors";
import type { JsonClient } from "@glassline/proto/json";
import type { Role } from "@glassline/service/identity";
import { ROLES } from "@glassline/service/identity";
import { messageOf } from "@glassline/service/errors";

import type { Verdict } from "../core/verdict.ts";

/** Longer than any healthy peer takes, and its first handshake. */
const ANSWER_TIMEOUT_MS = 5_000;

export interface Target {
  hostname: string;
  port: number;
  url: string;
  name: string;
  pkiDir: string;
  identity: string;
}

/** @param flags its flags begin so: "origin-" for --origin-port. */
export function targetProblem({ port, url }: Target, flags = ""): string | undefined {
  if (port > 0 !== (url !== "")) return undefined;
  const got = url === "" ? "none" : "both";
  return `--${flags}port and --${flags}url: got ${got}, expected one of them.`;
}

export type Asking<S extends DescService> = JsonClient<S> & Disposable;

/** Fails with OperatorError where there is no certificate. */
export async function access<S extends DescService>(
  service: S,
  role: Role,
  { hostname: host, port, url, name, pkiDir, identity: shown }: Target,
): Promise<Asking<S>> {
  if (url !== "") {
    const { jsonClient } = await import("@glassline/proto/json");
    return Object.assign(jsonClient(service, url), { [Symbol.dispose]: () => {} });
  }
  const [{ peerClient }, { readIdentity }] = await Promise.all([
    import("@glassline/service/peer-client"),
    import("@glassline/service/identity"),
  ]);
  const identity = await readIdentity(pkiDir, peerOf(shown));
  const client = peerClient(service, { name: name || undefined, host, port }, role, identity);
  type Call = (request: object, options: object) => Promise<unknown>;
  const calls = service.methods
    .filter(({ methodKind }) => methodKind === "unary")
    .map(({ localName }) => {
      const call = client[localName as keyof typeof client] as unknown as Call;
      return [
        localName,
        (request: object = {}, signal?: AbortSignal) =>
          call(request, { timeoutMs: ANSWER_TIMEOUT_MS, signal }),
      ];
    });
  return Object.assign(Object.fromEntries(calls) as JsonClient<S>, {
    [Symbol.dispose]: () => client[Symbol.dispose](),
  });
}

function peerOf(shown: string) {
  const [word, ...rest] = shown.split(".");
  const role = ROLES.find((known) => known === word);
  const instance = rest.join(".");
  if (role && instance !== "") return { role, instance };
  throw new Error(`--identity: got ${JSON.stringify(shown)}, expected ROLE.NAME`);
}

/** A failed call: the service is away, or it is there and does not tell. Others are thrown on. */
export function failedCall(error: unknown, away: Verdict): Verdict {
  if (!(error instanceof RpcError)) throw error;
  const isAway = error.code === "unavailable" || error.code === "deadline_exceeded";
  const details = [messageOf(error)];
  return isAway ? { ...away, details } : { state: "unknown", output: error.message };
}
