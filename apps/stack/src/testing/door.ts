/** Stands in front of a real service, and holds one request before it gets there, or its answer before it gets back. */
import type { DescService } from "@bufbuild/protobuf";
import type { Client, Implementation } from "@glassline/proto/rpc";
import { addService, createClient } from "@glassline/proto/rpc";
import { RECONNECT_OPTIONS, closeGrpc, listenGrpc } from "@glassline/service/grpc";
import type { PeerName } from "@glassline/service/identity";
import { readIdentity } from "@glassline/service/identity";
import { TLS_CHANNEL_OPTIONS, mutualTlsClient, mutualTlsServer } from "@glassline/service/tls";
import * as grpc from "@grpc/grpc-js";

const GRACE_MS = 100;

export type Held = "request" | "answer";

export class Door {
  #holds: { at: Held; isMeant: (method: string, request: object) => boolean } | undefined;
  #held = 0;
  #open: () => void = () => {};

  /** Of requests and answers that were held. */
  get held(): number {
    return this.#held;
  }

  /** Holds the first one that is meant. */
  hold(at: Held, isMeant: (method: string, request: object) => boolean): void {
    this.#holds = { at, isMeant };
  }

  /** Lets pass what is held, and all that comes. */
  open(): void {
    this.#holds = undefined;
    this.#open();
  }

  async pass<T>(method: string, request: object, through: () => Promise<T>): Promise<T> {
    const at = this.#holds?.isMeant(method, request) ? this.#holds.at : undefined;
    if (at === "request") await this.#hold();
    const answer = await through();
    if (at === "answer") await this.#hold();
    return answer;
  }

  #hold(): Promise<void> {
    this.#held++;
    return new Promise((resolve) => (this.#open = resolve));
  }
}

/** Which service stands behind a door, as whom, and who may come: names of the development PKI. */
export interface DoorOptions<S extends DescService> {
  service: S;
  /** The service, whose certificate the door shows. */
  behind: PeerName;
  address: string;
  caller: PeerName;
  /** The caller's token, which the door hands on. */
  token?: string;
  pkiDir: string;
  port: number;
}

export async function openDoor<S extends DescService>(
  door: Door,
  { service, behind, address, caller, token, pkiDir, port }: DoorOptions<S>,
): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const credentials = mutualTlsClient(
    await readIdentity(pkiDir, caller),
    behind.role,
    behind.instance,
  );
  const client = stack.use(
    createClient(service, address, credentials, { ...TLS_CHANNEL_OPTIONS, ...RECONNECT_OPTIONS }),
  );
  const server = new grpc.Server();
  addService(server, service, passing(service, client, door, token));
  const identity = await readIdentity(pkiDir, behind);
  await listenGrpc(server, "door", "127.0.0.1", port, mutualTlsServer(identity));
  stack.defer(() => closeGrpc(server, GRACE_MS));
  return stack.move();
}

type Call = (request: object, options?: { authorization: string }) => Promise<object>;

function passing<S extends DescService>(
  { methods }: S,
  client: Client<S>,
  door: Door,
  token: string | undefined,
): Implementation<S> {
  const calls = client as unknown as Record<string, Call>;
  const options = token === undefined ? undefined : { authorization: `Bearer ${token}` };
  return Object.fromEntries(
    methods.map(({ localName }) => [
      localName,
      (request: object) => door.pass(localName, request, () => calls[localName]!(request, options)),
    ]),
  ) as unknown as Implementation<S>;
}
