/** A session over a circuit of the mesh, to the nearest node that reaches a collector. */
import { randomBytes } from "node:crypto";

import type { Data } from "@glassline/proto/mesh";
import { CircuitSignal } from "@glassline/proto/mesh";

import type { Router } from "../router.ts";
import type { Carrier, CarrierEvents } from "./carrier.ts";

export const COLLECTOR_SERVICE = "collector";

export interface MeshCarriers {
  /** The node by which a collector can be reached now. */
  nearest(): string | undefined;
  /** @param avoided nodes that it must not lead through; the way is recorded then. */
  open(events: CarrierEvents, avoided?: readonly string[]): Carrier | undefined;
  /** True when the frame belongs to a circuit that was opened here. */
  arrive(data: Data): boolean;
}

export function createMeshCarriers(router: Router): MeshCarriers {
  const circuits = new Map<bigint, { events: CarrierEvents; egress: string }>();
  return {
    nearest: () => router.nearest(COLLECTOR_SERVICE),
    open(events, avoided = []) {
      const egress = router.nearest(COLLECTOR_SERVICE, avoided);
      if (egress === undefined) return undefined;
      const circuit = randomBytes(8).readBigUInt64LE();
      circuits.set(circuit, { events, egress });
      let signal: CircuitSignal = CircuitSignal.OPEN;
      const send = (kind: CircuitSignal, payload: Uint8Array, hopContexts: readonly Uint8Array[]) =>
        router.send({
          circuit,
          destination: egress,
          signal: kind,
          payload,
          hopContexts: [...hopContexts],
          avoid: [...avoided],
        });
      return {
        egress,
        // A frame that the mesh does not take is lost as on the way: the session notices and sends again.
        send: (message, hopContexts) => {
          send(signal, message, hopContexts);
          signal = CircuitSignal.UNSPECIFIED;
        },
        isReachable: () => router.reaches(egress, COLLECTOR_SERVICE),
        close: (reason) => {
          if (circuits.delete(circuit)) send(CircuitSignal.CLOSE, Buffer.from(reason), []);
        },
      };
    },
    arrive({ circuit, source, signal, payload }) {
      const { events, egress } = circuits.get(circuit) ?? {};
      if (!events || source !== egress) return false;
      if (signal === CircuitSignal.CLOSE) {
        circuits.delete(circuit);
        events.closed(Buffer.from(payload).toString("utf8"));
      } else events.message(payload);
      return true;
    },
  };
}
