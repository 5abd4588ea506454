/** Primings as the admin API tells them. */
import { createHash } from "node:crypto";

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { PrimeRequest, PrimingSchema } from "@glassline/proto/edge";
import { PrimingState } from "@glassline/proto/edge";
import { RpcError } from "@glassline/proto/errors";

import type { PrimingPhase, Progress } from "./core/priming.ts";

const PATHS_MAX = 10_000;

const STATES: Readonly<Record<PrimingPhase, PrimingState>> = {
  queued: PrimingState.QUEUED,
  fetching: PrimingState.FETCHING,
  validating: PrimingState.VALIDATING,
  done: PrimingState.DONE,
  failed: PrimingState.FAILED,
};

export function primingMessage(progress: Progress): MessageInitShape<typeof PrimingSchema> {
  const { phase, found, fetched, bytes, failed, failures, validated, hits, failure } = progress;
  return {
    state: STATES[phase],
    objectsFound: found,
    objectsFetched: fetched,
    bytes: BigInt(bytes),
    objectsFailed: failed,
    failures: [...failures],
    objectsValidated: validated,
    hits,
    failure,
  };
}

/** What tells one priming from another, short however long it is. Throws RpcError "invalid_argument". */
export function targetText({ path, paths }: PrimeRequest): string {
  if (paths.length > PATHS_MAX)
    throw new RpcError(
      "invalid_argument",
      `paths: got ${paths.length}, expected at most ${PATHS_MAX}`,
    );
  if (paths.length === 0) return path;
  const hash = createHash("sha256").update(JSON.stringify(paths)).digest("hex");
  return `${path} and ${paths.length} paths (${hash})`;
}
