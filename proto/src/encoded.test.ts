import { create, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { expect, test } from "vitest";

import { Encoded } from "./encoded.ts";
import {
  ListCamerasResponseSchema,
  QueryService,
} from "./gen/glassline/query/v1alpha1/query_pb.ts";
import { jsonRoutes } from "./json.ts";
import type { Implementation } from "./rpc.ts";
import { addService, createClient } from "./rpc.ts";

const cameras = [{ cameraId: "cam-1", seriesCount: 3, values: { a: 1.5 }, reason: "Störung" }];
const message = create(ListCamerasResponseSchema, { cameras, nowUnixNano: 5n });
/** A view into more, as encoders hand it over. */
const bytes = Buffer.concat([Buffer.from([1, 2, 3]), toBinary(ListCamerasResponseSchema, message)]);
const answer = new Encoded(ListCamerasResponseSchema, bytes.subarray(3));
const service = { listCameras: async () => answer } as unknown as Implementation<
  typeof QueryService
>;

test("an encoded answer goes out by gRPC as it is", async () => {
  const server = new grpc.Server();
  addService(server, QueryService, service);
  const bind = Promise.withResolvers<number>();
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
    error ? bind.reject(error) : bind.resolve(port),
  );
  const target = `127.0.0.1:${await bind.promise}`;
  const client = createClient(QueryService, target, grpc.credentials.createInsecure());
  expect(await client.listCameras({})).toEqual(message);
  client[Symbol.dispose]();
  server.forceShutdown();
});

test("an encoded answer is decoded for JSON", async () => {
  const route = jsonRoutes(QueryService, service).find(({ path }) => path.endsWith("/ListCameras"));
  expect(await route!.handle({}, { signal: new AbortController().signal })).toEqual({
    cameras: [
      {
        cameraId: "cam-1",
        state: "CAMERA_STATE_UNSPECIFIED",
        lastReceivedUnixNano: "0",
        attributes: {},
        seriesCount: 3,
        values: { a: 1.5 },
        reason: "Störung",
      },
    ],
    nowUnixNano: "5",
  });
});
