/** A service whose every question goes to another process. */
import type { DescService } from "@bufbuild/protobuf";
import type { CallContext, Client, Implementation } from "@glassline/proto/rpc";

type Call = (request: unknown, options: { signal: AbortSignal }) => Promise<unknown>;

/** Of a service with unary methods only. */
export function forwardTo<S extends DescService>(service: S, client: Client<S>): Implementation<S> {
  const methods = service.methods.map(({ localName }) => {
    const call = client[localName as keyof Client<S>] as Call;
    return [
      localName,
      (request: unknown, { signal }: CallContext) => call(request, { signal }),
    ] as const;
  });
  return Object.fromEntries(methods) as Implementation<S>;
}
