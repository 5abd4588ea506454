/** The page that an enrolment link opens: what is installed, by whom, and how. Needs no script. Pure. */
import type { Channel } from "@glassline/proto/enrolment";

import { contentsOf } from "./contents.ts";
import type { AssetPaths, Html } from "./html.ts";
import { documentOf, html } from "./html.ts";
import { momentText } from "./moments.ts";
import type { PlistData } from "./plist.ts";

export interface EnrolmentPage {
  channel: Channel;
  deviceName: string;
  icon: PlistData;
  hasRootCertificate: boolean;
  /** Phones know who signed it. */
  isSignerPublic: boolean;
  /** "open": the link was not used; "again": it was, by this page. */
  standing: "open" | "again";
  /** Of this page: it goes with the button. */
  pageSecret: string;
  /** Unix milliseconds: of the link, or until when the profile is given again. */
  untilMs: number;
  nowMs: number;
  assets: AssetPaths;
}

export function enrolmentPage(page: EnrolmentPage): string {
  const { channel, deviceName, icon, assets } = page;
  const { title, description, organization } = channel;
  return documentOf(
    title,
    assets,
    html`<main>
      <header>
        <img src="data:image/png;base64,${icon.base64}" width="96" height="96" alt="" />
        <h1>${title}</h1>
        ${organization === "" ? "" : html`<p class="by">from ${organization}</p>`}
      </header>
      ${description === "" ? "" : html`<p class="lead">${description}</p>`}
      <p class="for">For the device <b>${deviceName}</b></p>
      <form method="post">
        <input type="hidden" name="page" value="${page.pageSecret}" />
        <button>${page.standing === "open" ? "Get the profile" : "Get the profile again"}</button>
      </form>
      <p class="note">${untilText(page)}</p>
      <section>
        <h2>How to install it</h2>
        ${steps(page)}
      </section>
      <section>
        <h2>What it installs</h2>
        <dl>
          ${contentsOf(channel, page.hasRootCertificate).map(
            ({ what, means }) =>
              html`<dt>${what}</dt>
                <dd>${means}</dd>`,
          )}
        </dl>
      </section>
      <section>
        <h2>Good to know</h2>
        <p>
          You can remove it at any time: Settings, General, VPN &amp; Device Management. It is no
          device management: by it, nobody can lock, wipe or look into your device.
        </p>
      </section>
    </main>`,
  );
}

function untilText({ standing, untilMs, nowMs }: EnrolmentPage): Html {
  const until = momentText(untilMs, nowMs);
  return standing === "open"
    ? html`The link works once, until ${until}.`
    : html`This page used the link. It gives the profile again until ${until}.`;
}

function steps({ channel, isSignerPublic }: EnrolmentPage): Html {
  return html`<ol>
    <li>Open this page in <b>Safari</b> on the iPhone or iPad that shall have it.</li>
    <li>Tap the button, then <b>Allow</b>.</li>
    <li>
      Open <b>Settings</b> and tap <b>Profile Downloaded</b>, near the top. It stays there for 8
      minutes.
    </li>
    <li>
      Tap <b>Install</b> and enter your passcode.
      ${
        isSignerPublic
          ? html`Below the name it says <b>Verified</b>.`
          : html`Below the name it says <b>Not Verified</b>: this service signs by a certificate of
              its own.`
      }
    </li>
    <li>On your Home Screen, open <b>${channel.title}</b>.</li>
  </ol>`;
}
