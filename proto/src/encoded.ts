/** Answers that are encoded by hand, where their messages would cost too much. Runs in a browser too. */
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { create, fromBinary } from "@bufbuild/protobuf";

export class Encoded<O extends DescMessage> {
  readonly schema: O;
  readonly bytes: Uint8Array;

  /** @param bytes a message of the schema, in protobuf. */
  constructor(schema: O, bytes: Uint8Array) {
    this.schema = schema;
    this.bytes = bytes;
  }
}

/** What a handler may answer. */
export type Answer<O extends DescMessage> = MessageInitShape<O> | Encoded<O>;

/** The message of an answer. */
export function decoded<O extends DescMessage>(schema: O, answer: Answer<O>): MessageShape<O> {
  return answer instanceof Encoded ? fromBinary(schema, answer.bytes) : create(schema, answer);
}
