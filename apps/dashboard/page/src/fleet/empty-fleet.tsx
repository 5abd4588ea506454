/** What to do when there is no camera yet. */
export function EmptyFleet() {
  return (
    <section class="empty">
      <h2>No camera has reported yet</h2>
      <p>
        The collector is up and waits for its first measurement. Start some cameras, and they appear
        here by themselves:
      </p>
      <dl>
        <dt>
          <code>npm start -- --camera FILE.mp4</code>
        </dt>
        <dd>replays the sensors of a GoPro recording</dd>
        <dt>
          <code>npm start -- --cameras 50</code>
        </dt>
        <dd>simulates fifty cameras</dd>
      </dl>
      <p>
        Cameras that run and do not appear? Look at the <a href="/mesh">mesh</a>: it shows where
        measurements wait.
      </p>
    </section>
  );
}
