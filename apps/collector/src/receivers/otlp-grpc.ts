/** OTLP/gRPC. Requests stay bytes until the pipeline decodes them. Source: https://opentelemetry.io/docs/specs/otlp/#otlpgrpc */
import { toBinary } from "@bufbuild/protobuf";
import { StatusSchema } from "@glassline/proto/google/status";
import { methodPath } from "@glassline/proto/rpc";
import { GRPC_LIMITS } from "@glassline/service/grpc";
import * as grpc from "@grpc/grpc-js";

import { outOfMemory, OtlpRefusal, statusOf } from "./otlp-refusal.ts";
import type { OtlpDeps } from "./otlp-intake.ts";
import { REQUEST_MAX_BYTES, admit, refuse, traced } from "./otlp-intake.ts";
import type { Signal } from "./otlp-signals.ts";
import { SIGNALS } from "./otlp-signals.ts";

/** https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses, https://google.aip.dev/193 */
const STATUS_DETAILS = "grpc-status-details-bin";

/** Of one connection, so that it cannot begin any number of messages. RFC 9113 section 6.5.2 advises no less. */
const CALLS_MAX = 100;

export function createOtlpGrpcServer(deps: OtlpDeps): grpc.Server {
  const server = new grpc.Server({
    ...GRPC_LIMITS,
    "grpc.max_receive_message_length": deps.grpcRequestMaxBytes ?? REQUEST_MAX_BYTES,
    "grpc.max_concurrent_streams": CALLS_MAX,
    interceptors: [admission(deps)],
  });
  for (const signal of SIGNALS)
    server.addService({ export: definition(signal) }, { export: handler(signal, deps) });
  return server;
}

function definition({ method }: Signal): grpc.MethodDefinition<Uint8Array, Uint8Array> {
  const same = (bytes: Buffer) => bytes;
  return {
    path: methodPath(method),
    requestStream: false,
    responseStream: false,
    requestSerialize: (bytes) => Buffer.from(bytes),
    requestDeserialize: same,
    responseSerialize: (bytes) => Buffer.from(bytes),
    responseDeserialize: same,
  };
}

/** Refuses a call before its message is received and unpacked, and counts calls that end before they have one. */
function admission(deps: OtlpDeps): grpc.ServerInterceptor {
  return (_method, call) => {
    let isSettled = false;
    return new grpc.ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, toNext) => {
            try {
              admit(deps, metadata.get("authorization")[0]?.toString());
              toNext(metadata);
            } catch (error) {
              isSettled = true;
              call.sendStatus(callStatus(refuse(deps, error)));
            }
          },
          onReceiveMessage: (message, toNext) => {
            isSettled = true;
            toNext(message);
          },
          // grpc-js ends calls whose message is too large or cannot be unpacked without telling us why.
          onCancel: () => {
            if (!isSettled) refuse(deps, new OtlpRefusal("not_received", "canceled", "no message"));
            isSettled = true;
          },
        }),
    });
  };
}

function handler(
  { append, answer, method }: Signal,
  deps: OtlpDeps,
): grpc.handleUnaryCall<Uint8Array, Uint8Array> {
  const { pipeline, memory } = deps;
  const take = async (request: Uint8Array): Promise<Uint8Array> => {
    using hold = memory.hold();
    if (!hold.grow(request.length)) throw outOfMemory(memory);
    return toBinary(method.output, answer(await append(pipeline, request)));
  };
  return ({ request, metadata }, callback) => {
    traced(deps, metadata.getMap(), () => take(request)).then(
      (response) => callback(null, response),
      (error: unknown) => callback(callStatus(refuse(deps, error))),
    );
  };
}

function callStatus(refusal: OtlpRefusal): grpc.StatusObject {
  const status = statusOf(refusal);
  const metadata = new grpc.Metadata();
  metadata.set(STATUS_DETAILS, Buffer.from(toBinary(StatusSchema, status)));
  return { code: status.code, details: status.message, metadata };
}
