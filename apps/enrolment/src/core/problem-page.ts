/** Pages for links that cannot be used, and for what goes wrong. Pure. */
import type { AssetPaths } from "./html.ts";
import { documentOf, html } from "./html.ts";

export const PROBLEMS = {
  unknown: {
    status: 404,
    title: "This link is not known",
    text: "It may have been replaced by a newer one, or it is not complete. Ask whoever sent it for a new one.",
  },
  used: {
    status: 410,
    title: "This link was used",
    text: "Each link works once. If it was you: the profile is in Settings, near the top, for 8 minutes. If not, tell whoever sent it, and ask for a new one.",
  },
  expired: {
    status: 410,
    title: "This link has expired",
    text: "Ask whoever sent it for a new one.",
  },
  revoked: {
    status: 410,
    title: "This link counts no more",
    text: "The device that it was for has been revoked. Ask whoever sent it.",
  },
  no_page: {
    status: 404,
    title: "There is nothing here",
    text: "Open the link that you were sent, or scan its code.",
  },
  bad_form: {
    status: 400,
    title: "That did not work",
    text: "Open the link once more, and tap the button on its page.",
  },
  too_many: {
    status: 429,
    title: "Too many requests",
    text: "Wait a minute, then try again.",
  },
  cannot_sign: {
    status: 503,
    title: "No profile can be made now",
    text: "The certificate that signs profiles does not count any more. The link is still good: tell whoever sent it, and try again later.",
  },
  not_complete: {
    status: 503,
    title: "No profile can be made now",
    text: "The service lacks something that belongs into it. Tell whoever sent the link, and try again later.",
  },
} as const;

export type Problem = keyof typeof PROBLEMS;

export function problemPage(problem: Problem, assets: AssetPaths): string {
  const { title, text } = PROBLEMS[problem];
  return documentOf(
    title,
    assets,
    html`<main class="problem">
      <h1>${title}</h1>
      <p class="lead">${text}</p>
    </main>`,
  );
}
