import type { GatewayStatus, GetStatusResponse, RelayStatus } from "@glassline/proto/mesh";

import { bytesText, compact } from "../format/quantity.ts";
import { Meter } from "../parts/meter.tsx";
import { LinkTable } from "./link-table.tsx";

/** Everything that a node tells about itself. */
export function NodeCard({ node }: { node: GetStatusResponse }) {
  const { gateway, relay, services } = node;
  return (
    <article class="node-card" aria-label={node.node}>
      <header>
        <h2>{node.node}</h2>
        <span class="tag is-quiet">{gateway ? "gateway" : "relay"}</span>
        {services.length > 0 && <span class="tag is-quiet">reaches {services.join(", ")}</span>}
      </header>
      {gateway && <GatewayFigures gateway={gateway} />}
      {relay && <RelayFigures relay={relay} />}
      <LinkTable node={node} />
    </article>
  );
}

function GatewayFigures({ gateway }: { gateway: GatewayStatus }) {
  const ringBytes = Number(gateway.ringBytes);
  const ringMaxBytes = Number(gateway.ringMaxBytes);
  const waiting = gateway.headSeq - gateway.durableSeq;
  const part = ringMaxBytes > 0 ? (ringBytes / ringMaxBytes) * 100 : 0;
  return (
    <>
      <div class="ring">
        <p>
          <span>Ring on disk</span>
          <span>
            {bytesText(ringBytes)} of {bytesText(ringMaxBytes)} ({part.toFixed(part < 10 ? 1 : 0)}{" "}
            %)
          </span>
        </p>
        <Meter value={ringBytes} max={ringMaxBytes} text={`Ring of the gateway`} />
      </div>
      <dl class="figures">
        <Figure name="session" value={gateway.sessionState || "–"} />
        <Figure name="egress" value={gateway.egress || "none"} />
        <Figure name="head" value={compact(Number(gateway.headSeq))} />
        <Figure name="durable" value={compact(Number(gateway.durableSeq))} />
        <Figure name="not yet durable" value={compact(Number(waiting))} />
        <Figure name="agents" value={compact(gateway.agents)} />
        <Figure name="reports accepted" value={compact(Number(gateway.reportsAccepted))} />
        <Figure name="reports refused" value={reasonsText(gateway.reportsRefused)} />
      </dl>
    </>
  );
}

function RelayFigures({ relay }: { relay: RelayStatus }) {
  return (
    <dl class="figures">
      <Figure name="frames passed on to other nodes" value={compact(Number(relay.framesRelayed))} />
      <Figure name="circuits" value={compact(relay.circuits)} />
      <Figure name="frames dropped" value={reasonsText(relay.framesDropped)} />
    </dl>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** "none", or "12 ring full, 3 invalid". */
function reasonsText(byReason: Readonly<Record<string, bigint>>): string {
  const reasons = Object.entries(byReason).filter(([, count]) => count > 0n);
  if (reasons.length === 0) return "none";
  return reasons
    .map(([reason, count]) => `${compact(Number(count))} ${wordsOf(reason)}`)
    .join(", ");
}

function wordsOf(reason: string): string {
  return reason.replace("REFUSAL_REASON_", "").toLowerCase().replaceAll("_", " ");
}
