/**
 * gRPC services and clients from protobuf-es descriptors: one generator for the messages, none for the stubs.
 * Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md (the path of a method).
 */
import type {
  DescMessage,
  DescMethod,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";

import type { Answer } from "./encoded.ts";
import { Encoded } from "./encoded.ts";
import { RpcError, rpcCodeOfGrpc, toRpcError } from "./errors.ts";

type Methods<S extends DescService> = S["method"];

const AUTHORIZATION = "authorization";

/** What is known of the caller of a unary method. */
export interface CallContext {
  /** Aborted when the caller has gone or its deadline has passed. */
  signal: AbortSignal;
  /** What the caller shows to be let in; undefined: nothing. */
  authorization?: string | undefined;
  /** Subject alternative names of the caller's certificate, as Node prints them; absent when it came as JSON over HTTP. */
  subjectAltName?: string | undefined;
}

export type UnaryHandler<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  context: CallContext,
) => Promise<Answer<O>>;

export type ServerStream<I extends DescMessage, O extends DescMessage> = grpc.ServerDuplexStream<
  MessageShape<I>,
  MessageShape<O>
>;

/** One handler a method, by its local name. Unary: request in, response out. Bidirectional: owns the stream. */
export type Implementation<S extends DescService> = {
  [K in keyof Methods<S>]: Methods<S>[K]["methodKind"] extends "unary"
    ? UnaryHandler<Methods<S>[K]["input"], Methods<S>[K]["output"]>
    : (stream: ServerStream<Methods<S>[K]["input"], Methods<S>[K]["output"]>) => void;
};

export interface CallOptions {
  signal?: AbortSignal;
  /** The call fails with "deadline_exceeded" after so long. */
  timeoutMs?: number;
  /** Shown to the callee: "Bearer TOKEN". */
  authorization?: string;
  /** Asked when there is a connection, right before the call is sent: it is not sent when this rejects, and fails with its reason. */
  beforeSending?: () => Promise<void>;
}

export type ClientStream<I extends DescMessage, O extends DescMessage> = grpc.ClientDuplexStream<
  MessageShape<I>,
  MessageShape<O>
>;

/** One function a method, by its local name. */
export type Client<S extends DescService> = {
  [K in keyof Methods<S>]: Methods<S>[K]["methodKind"] extends "unary"
    ? (
        request: MessageInitShape<Methods<S>[K]["input"]>,
        options?: CallOptions,
      ) => Promise<MessageShape<Methods<S>[K]["output"]>>
    : () => ClientStream<Methods<S>[K]["input"], Methods<S>[K]["output"]>;
} & Disposable & { readonly $channel: grpc.Channel };

/** The descriptor of a service in the form that grpc-js takes. */
export function serviceDefinition(service: DescService): grpc.ServiceDefinition {
  return Object.fromEntries(
    service.methods.map((method) => [method.localName, methodDefinition(method)]),
  );
}

function methodDefinition(method: DescMethod): grpc.MethodDefinition<object, object> {
  const serialize = (schema: DescMessage) => (message: object) => {
    const bytes = message instanceof Encoded ? message.bytes : toBinary(schema, message as never);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
  const deserialize = (schema: DescMessage) => (bytes: Buffer) => fromBinary(schema, bytes);
  return {
    path: methodPath(method),
    requestStream:
      method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
    responseStream:
      method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
    requestSerialize: serialize(method.input),
    requestDeserialize: deserialize(method.input),
    responseSerialize: serialize(method.output),
    responseDeserialize: deserialize(method.output),
  };
}

/** "/package.Service/Method", for gRPC and for JSON over HTTP alike. */
export function methodPath(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** Adds a service to a server. What a handler throws reaches the caller as a status with its message. */
export function addService<S extends DescService>(
  server: grpc.Server,
  service: S,
  implementation: Implementation<S>,
): void {
  const handlers = service.methods.map((method) => {
    const handler = implementation[method.localName as keyof Methods<S>];
    if (method.methodKind !== "unary") return [method.localName, handler] as const;
    return [method.localName, unaryAdapter(method, handler as never)] as const;
  });
  server.addService(serviceDefinition(service), Object.fromEntries(handlers) as never);
}

function unaryAdapter(method: DescMethod, handler: UnaryHandler<DescMessage, DescMessage>) {
  return (
    call: grpc.ServerUnaryCall<MessageShape<DescMessage>, object>,
    callback: grpc.sendUnaryData<object>,
  ) => {
    const abort = new AbortController();
    call.on("cancelled", () => abort.abort());
    const authorization = call.metadata.get(AUTHORIZATION)[0]?.toString();
    const subjectAltName = call.getAuthContext().sslPeerCertificate?.subjectaltname;
    handler(call.request, { signal: abort.signal, authorization, subjectAltName }).then(
      (response) =>
        callback(null, response instanceof Encoded ? response : create(method.output, response)),
      (error: unknown) => callback(grpcStatus(error)),
    );
  };
}

/** A thrown value as the status that ends a call or stream. */
export function grpcStatus(error: unknown): { code: number; details: string } {
  const { grpcStatus: code, message } = toRpcError(error);
  return { code, details: message };
}

/** A client of a service. Disposing it closes its channel. */
export function createClient<S extends DescService>(
  service: S,
  target: string,
  credentials: grpc.ChannelCredentials,
  options: grpc.ChannelOptions = {},
): Client<S> {
  const client = new grpc.Client(target, credentials, { "grpc.enable_retries": 0, ...options });
  const calls = service.methods.map((method) => [
    method.localName,
    method.methodKind === "unary" ? unaryCall(client, method) : bidirectionalCall(client, method),
  ]);
  const rest = { $channel: client.getChannel(), [Symbol.dispose]: () => client.close() };
  return Object.assign(Object.fromEntries(calls), rest) as Client<S>;
}

function bidirectionalCall(client: grpc.Client, method: DescMethod) {
  const { path, requestSerialize, responseDeserialize } = methodDefinition(method);
  return () => client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
}

function unaryCall(client: grpc.Client, method: DescMethod) {
  const { path, requestSerialize, responseDeserialize } = methodDefinition(method);
  return (
    request: MessageInitShape<DescMessage>,
    { signal, timeoutMs, authorization, beforeSending }: CallOptions = {},
  ) =>
    new Promise((resolve, reject) => {
      let refusal: unknown;
      const options: grpc.CallOptions = {
        ...(timeoutMs !== undefined && { deadline: Date.now() + timeoutMs }),
        ...(beforeSending && {
          credentials: askedFirst(beforeSending, (reason) => (refusal = reason)),
        }),
      };
      const message = create(method.input, request);
      const metadata = new grpc.Metadata();
      if (authorization !== undefined) metadata.set(AUTHORIZATION, authorization);
      const call = client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        message,
        metadata,
        options,
        (error, response) => {
          signal?.removeEventListener("abort", cancel);
          if (error) reject(refusal ?? rpcErrorOf(error));
          else resolve(response);
        },
      );
      const cancel = () => call.cancel();
      signal?.addEventListener("abort", cancel, { once: true });
      if (signal?.aborted) cancel();
    });
}

/** What a call shows is asked for when there is a connection for it, and again when that is lost before it is sent. */
function askedFirst(ask: () => Promise<void>, refused: (reason: unknown) => void) {
  return grpc.credentials.createFromMetadataGenerator((_about, show) => {
    ask().then(
      () => show(null, new grpc.Metadata()),
      (reason: unknown) => {
        refused(reason);
        show(new Error("it is not sent"));
      },
    );
  });
}

/** An error of grpc-js as an RpcError. */
export function rpcErrorOf(error: grpc.ServiceError | Error): RpcError {
  const code =
    "code" in error && typeof error.code === "number" ? rpcCodeOfGrpc(error.code) : "unknown";
  const message = "details" in error && error.details ? error.details : error.message;
  return new RpcError(code, message, { cause: error });
}
