import type { Deployment } from "@glassline/proto/opsbot";

import { opsBot } from "../api/clients.ts";
import { usePoll } from "../api/use-poll.ts";
import { clock, millisecondsOf } from "../format/time.ts";
import { Loading } from "../parts/loading.tsx";
import { Stale } from "../parts/stale.tsx";
import { NotFoundPage } from "../shell/not-found-page.tsx";
import { useTitle } from "../shell/use-title.ts";
import { DeployedEdges } from "./deployed-edges.tsx";
import { DeploymentSteps } from "./deployment-steps.tsx";
import { deploymentPhase, phaseText } from "./deployments.ts";
import { ValidationCard } from "./validation-card.tsx";

/** One channel: its steps as they go, its edges, what a test load got, and what was wished. */
export function DeploymentPage({ channel }: { channel: string }) {
  useTitle(channel);
  const answer = usePoll(`deployment ${channel}`, (signal) =>
    opsBot.getDeployment({ channel }, signal),
  );
  if (!answer.data && answer.error?.code === "not_found")
    return <UnknownDeployment channel={channel} />;
  const deployment = answer.data?.deployment;
  return (
    <>
      <nav class="crumbs" aria-label="Way back">
        <a href="/deployments">← Deployments</a>
      </nav>
      {deployment ? (
        <Stale of={answer}>
          <DeploymentHeader deployment={deployment} />
          <div class="deployment">
            <DeploymentSteps deployment={deployment} />
            <ValidationCard report={deployment.validation} />
            <DeployedEdges edges={deployment.edges} />
            <Description text={deployment.description} />
          </div>
        </Stale>
      ) : (
        <>
          <h1>{channel}</h1>
          <Loading shapes={3} error={answer.error} />
        </>
      )}
    </>
  );
}

function DeploymentHeader({ deployment }: { deployment: Deployment }) {
  const { channel, tenant, revision, sinceUnixNano, problem, vni, subnets, incidentId } =
    deployment;
  const phase = deploymentPhase(deployment);
  return (
    <header class="page-header">
      <div class="incident-title" data-testid={`deployment-${channel}`} data-phase={phase}>
        <h1>{channel}</h1>
        <span class={`phase is-${phase}`}>{phaseText(phase)}</span>
      </div>
      <p>
        {tenant && `${tenant}, `}revision {revision}
        {sinceUnixNano > 0n && `, since ${clock(millisecondsOf(sinceUnixNano))}`}
        {vni > 0 && `; VNI ${vni}`}
        {subnets.length > 0 && ` with ${subnets.join(" and ")}`}
        {incidentId > 0n && (
          <>
            {" · "}
            <a href={`/ops/incidents/${incidentId}`}>its story</a>
          </>
        )}
      </p>
      {problem && (
        <p class={`impediment deployment-impediment is-${phase}`} data-testid="problem">
          {problem}
        </p>
      )}
    </header>
  );
}

function Description({ text }: { text: string }) {
  if (text === "") return null;
  return (
    <details class="description">
      <summary>channel.yaml, as it was wished</summary>
      <pre tabIndex={0}>{text}</pre>
    </details>
  );
}

function UnknownDeployment({ channel }: { channel: string }) {
  return (
    <NotFoundPage title="No such deployment" what={`OpsBot has deployed no channel ${channel}.`}>
      <p>
        <a href="/deployments">See the deployments that are there</a>
      </p>
    </NotFoundPage>
  );
}
