/** Who may ask the API: JSON and MCP by tokens of the Authorization header, gRPC by certificates. */
import type { DescService } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import type { RpcCode } from "@glassline/proto/errors";
import { RpcError, jsonErrorBody } from "@glassline/proto/errors";
import { methodPath } from "@glassline/proto/rpc";
import type { Clock } from "@glassline/service/clock";
import type { Verdict } from "@glassline/service/guard";
import type { Asked } from "@glassline/service/http";
import { requireCaller } from "@glassline/service/tls";
import { tokenIn } from "@glassline/service/token";

import type { Need } from "../core/access.ts";
import { CHANGE, PEERS, callerOfPeer, callerOfToken, mayAs, needsOf } from "../core/access.ts";
import { ApiRates } from "../core/rate-limit.ts";
import type { Caller } from "../desk.ts";
import type { AccessMetrics } from "./metrics.ts";
import type { TokenStore } from "./token-store.ts";

/** What tells nothing of the network's, or asks for a token of its own. */
const OPEN: ReadonlySet<string> = new Set([
  "/livez",
  "/readyz",
  "/metrics",
  "/openapi.json",
  "/icinga/event",
]);
const EXPECTED = "Bearer with a token of --api-tokens";

export type RefusedBecause = "no_token" | "unknown_token" | "role" | "caller_rate" | "address_rate";

export interface AccessDeps {
  tokens: TokenStore;
  clock: Pick<Clock, "monotonicMs">;
  metrics: AccessMetrics;
  /** By address; what is not there changes something. */
  needs: ReadonlyMap<string, Need>;
  /** Only this machine can ask. */
  isLoopback: boolean;
  /** Requests of a caller. */
  perSecond: number;
}

/** What is needed for each method of a service, by its address. */
export function needsOfService({ methods }: DescService): ReadonlyMap<string, Need> {
  return needsOf(
    methods.map((method) => ({
      path: methodPath(method),
      name: method.localName,
      hasEffects: method.idempotency !== MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS,
    })),
  );
}

/** Whether a --host is one by which nobody but this machine can ask. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

export class Access {
  readonly #deps: AccessDeps;
  readonly #rates: ApiRates;

  constructor(deps: AccessDeps) {
    this.#deps = deps;
    this.#rates = new ApiRates(deps.perSecond);
  }

  /** For the admin port: before a body is read. */
  authorize({ path, authorization = "", address }: Asked): Verdict {
    if (path === undefined || OPEN.has(path)) return { fields: [] };
    const need = this.#deps.needs.get(path) ?? CHANGE;
    return authorization === ""
      ? this.#judgeNobody(need, address)
      : this.#judgeToken(need, authorization, address);
  }

  /**
   * Who it is: by certificate, or by token. Throws RpcError "unauthenticated", or "permission_denied".
   * @param mayChange what a dashboard says of the session that asks.
   */
  callerOf(
    shown: { subjectAltName?: string | undefined; authorization?: string | undefined },
    mayChange = false,
  ): Caller {
    if (shown.subjectAltName !== undefined)
      return callerOfPeer(requireCaller(shown, PEERS), mayChange);
    const caller = this.callerShowing(shown.authorization);
    if (caller) return caller;
    throw new RpcError("unauthenticated", `authorization: got none, expected ${EXPECTED}`);
  }

  /** Who has this token; undefined: nobody. */
  callerShowing(authorization: string | undefined): Caller | undefined {
    const found = this.#deps.tokens.find(tokenIn(authorization ?? ""));
    return found && callerOfToken(found);
  }

  #judgeNobody({ isRead }: Need, address: string): Verdict {
    const waitMs = this.#rates.takeAddress(address, this.#nowMs);
    if (waitMs > 0) return this.#tooMany("address_rate", waitMs);
    if (isRead && this.#deps.isLoopback) return { fields: [] };
    return this.#unknown("no_token", "none");
  }

  #judgeToken({ role }: Need, authorization: string, address: string): Verdict {
    const found = this.#deps.tokens.find(tokenIn(authorization));
    if (!found) {
      const waitMs = this.#rates.takeAddress(address, this.#nowMs);
      if (waitMs > 0) return this.#tooMany("address_rate", waitMs);
      return this.#unknown("unknown_token", "another");
    }
    const waitMs = this.#rates.takeCaller(found.name, this.#nowMs);
    if (waitMs > 0) return this.#tooMany("caller_rate", waitMs);
    if (mayAs(found.role, role)) return { fields: [] };
    const message = `${found.name}: got the role ${found.role}, expected ${role}`;
    return this.#refused("role", "permission_denied", message);
  }

  #unknown(because: RefusedBecause, got: string): Verdict {
    const message = `authorization: got ${got}, expected ${EXPECTED}`;
    return this.#refused(because, "unauthenticated", message, ["www-authenticate", "Bearer"]);
  }

  #tooMany(because: RefusedBecause, waitMs: number): Verdict {
    const seconds = Math.ceil(waitMs / 1_000);
    const message = `rate: got more than ${this.#deps.perSecond} requests a second, expected fewer; again in ${seconds} s`;
    return this.#refused(because, "resource_exhausted", message, ["retry-after", String(seconds)]);
  }

  #refused(
    because: RefusedBecause,
    code: RpcCode,
    message: string,
    ...fields: Verdict["fields"]
  ): Verdict {
    this.#deps.metrics.refusals.inc({ because });
    const error = new RpcError(code, message);
    return { fields, refusal: { status: error.httpStatus, body: jsonErrorBody(error) } };
  }

  get #nowMs(): number {
    return this.#deps.clock.monotonicMs();
  }
}
