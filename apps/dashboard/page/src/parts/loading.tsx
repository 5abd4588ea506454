import type { RpcError } from "@glassline/proto/errors";

import { isAway } from "../api/is-away.ts";

/** Grey shapes where content will be; when the first request fails, why there is none. */
export function Loading({ shapes, error }: { shapes: number; error?: RpcError | undefined }) {
  return (
    <div aria-busy={!error}>
      {error ? (
        <p class="load-error">
          Nothing to show yet
          {!isAway(error) && (
            <>
              : <span>{error.message}</span>
            </>
          )}
          . This page asks again every second.
        </p>
      ) : (
        <>
          <p class="visually-hidden">Loading</p>
          <div class="skeletons" aria-hidden="true">
            {Array.from({ length: shapes }, (_, index) => (
              <span key={index} class="skeleton" />
            ))}
          </div>
        </>
      )}
    </div>
  );
}
