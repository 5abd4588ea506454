import type { ComponentChildren } from "preact";

import { useTitle } from "./use-title.ts";

interface Help {
  title?: string;
  what?: string;
  children?: ComponentChildren;
}

/** Says what was asked for, that it does not exist, and what does. */
export function NotFoundPage({ title = "No such page", what, children }: Help) {
  useTitle(title);
  return (
    <section class="not-found" data-testid="not-found">
      <h1>{title}</h1>
      <p>
        {what ?? (
          <>
            Nothing lives at <code>{location.pathname}</code>.
          </>
        )}
      </p>
      {children}
      <h2>What exists</h2>
      <ul class="link-list">
        <li>
          <a href="/">Fleet</a> <span>every camera and its state</span>
        </li>
        <li>
          <a href="/mesh">Mesh</a> <span>nodes, links and the way in use</span>
        </li>
        <li>
          <a href="/traces">Traces</a> <span>measurements on their way from lens to disk</span>
        </li>
        <li>
          <a href="/edges">Edges</a> <span>caches that hand pictures to viewers</span>
        </li>
        <li>
          <a href="/deployments">Deployments</a> <span>channels on their way to viewers</span>
        </li>
        <li>
          <a href="/ops">OpsBot</a> <span>checks, incidents, and a chat</span>
        </li>
      </ul>
    </section>
  );
}
