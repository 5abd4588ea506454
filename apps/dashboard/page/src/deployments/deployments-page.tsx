import type { Deployment } from "@glassline/proto/opsbot";

import { opsBot } from "../api/clients.ts";
import { usePoll } from "../api/use-poll.ts";
import { clock, millisecondsOf } from "../format/time.ts";
import { OPSBOT_INTERVAL_MS } from "../opsbot/opsbot-status.ts";
import { Loading } from "../parts/loading.tsx";
import { Stale } from "../parts/stale.tsx";
import { useTitle } from "../shell/use-title.ts";
import {
  deploymentPath,
  deploymentPhase,
  edgesText,
  phaseText,
  sentenceOf,
  sortedDeployments,
} from "./deployments.ts";
import { EmptyDeployments } from "./empty-deployments.tsx";

/** Every channel that is deployed, being deployed, or being taken down. */
export function DeploymentsPage() {
  useTitle("Deployments");
  const answer = usePoll(
    "deployments",
    (signal) => opsBot.listDeployments({}, signal),
    OPSBOT_INTERVAL_MS,
  );
  const deployments = answer.data?.deployments;
  return (
    <>
      <header class="page-header">
        <h1>Deployments</h1>
        {deployments && deployments.length > 0 && <p>{sentenceOf(deployments)}</p>}
      </header>
      {deployments ? (
        <Stale of={answer}>
          {deployments.length === 0 ? (
            <EmptyDeployments />
          ) : (
            <>
              <DeploymentTable deployments={deployments} />
              {answer.data?.hasMore && (
                <p class="quiet">
                  The first {deployments.length} by name. All of them: npm run opsbot -- deployments
                </p>
              )}
            </>
          )}
        </Stale>
      ) : (
        <Loading shapes={3} error={answer.error} />
      )}
    </>
  );
}

function DeploymentTable({ deployments }: { deployments: readonly Deployment[] }) {
  return (
    <table class="data-table deployment-table" data-testid="deployments">
      <thead>
        <tr>
          <th scope="col">Channel</th>
          <th scope="col">Phase</th>
          <th scope="col">Edges</th>
          <th scope="col" class="number">
            VNI
          </th>
          <th scope="col" class="number wide-only">
            Revision
          </th>
          <th scope="col" class="number wide-only">
            Since
          </th>
        </tr>
      </thead>
      <tbody>
        {sortedDeployments(deployments).map((deployment) => (
          <DeploymentRow key={deployment.channel} deployment={deployment} />
        ))}
      </tbody>
    </table>
  );
}

function DeploymentRow({ deployment }: { deployment: Deployment }) {
  const { channel, tenant, problem, vni, revision, sinceUnixNano } = deployment;
  const phase = deploymentPhase(deployment);
  return (
    <tr data-testid={`deployment-${channel}`} data-phase={phase}>
      <th scope="row">
        <a href={deploymentPath(channel)}>{channel}</a>{" "}
        {tenant && <span class="quiet">{tenant}</span>}
        {problem && <span class="deployment-problem">{problem}</span>}
      </th>
      <td>
        <span class={`phase is-${phase}`}>{phaseText(phase)}</span>
      </td>
      <td>
        {edgesText(deployment)}
        {deployment.edges.length > 0 && <span class="ready-word"> ready</span>}
      </td>
      <td class="number">{vni > 0 ? vni : "–"}</td>
      <td class="number wide-only">{revision}</td>
      <td class="number wide-only">
        {sinceUnixNano > 0n ? clock(millisecondsOf(sinceUnixNano)) : "–"}
      </td>
    </tr>
  );
}
