/** What to do when no channel is deployed yet. */
export function EmptyDeployments() {
  return (
    <section class="empty" data-testid="no-deployments">
      <h2>No channel is deployed yet</h2>
      <p>
        Say in a file which channel you want, where its edges run and what viewers may expect.
        OpsBot takes it from there to viewers in six steps, and this page shows them as they go:
      </p>
      <dl>
        <dt>
          <code>npm run opsbot -- deploy channel.yaml</code>
        </dt>
        <dd>does what is missing; a second time it changes nothing</dd>
        <dt>
          <code>npm run opsbot -- validate URL</code>
        </dt>
        <dd>lets players play from edges, and says whether they get what viewers need</dd>
      </dl>
      <p>
        Channels that the origin makes by itself are on the page of <a href="/edges">edges</a>.
      </p>
    </section>
  );
}
