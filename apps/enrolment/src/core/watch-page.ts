/** The page behind the button on the Home Screen. Pure. */
import type { AssetPaths } from "./html.ts";
import { documentOf, html } from "./html.ts";

export interface WatchPage {
  /** Where the page asks what it may watch. */
  streamPath: string;
  title: string;
  iconPath: string;
  assets: AssetPaths;
}

export function watchPage({ streamPath, title, iconPath, assets }: WatchPage): string {
  return documentOf(
    title,
    assets,
    html`<main class="watch" data-stream="${streamPath}" data-hls="${assets.hls}">
      <div class="screen">
        <video playsinline muted autoplay controls data-testid="player"></video>
        <p class="state" role="status" data-testid="state">Connecting ...</p>
      </div>
      <div class="about">
        <h1>${title}</h1>
        <p class="lead" data-testid="description"></p>
        <p class="note" data-testid="note"></p>
      </div>
      <noscript><p class="lead">This page needs JavaScript.</p></noscript>
    </main>`,
    html`<link rel="apple-touch-icon" href="${iconPath}" />
      <link rel="icon" href="${iconPath}" />
      <meta name="apple-mobile-web-app-capable" content="yes" />
      <meta name="mobile-web-app-capable" content="yes" />
      <meta name="apple-mobile-web-app-title" content="${title}" />
      <meta name="apple-mobile-web-app-status-bar-style" content="black" />
      <script type="module" src="${assets.watch}"></script>`,
  );
}
