/**
 * A notification in Slack's format, which Mattermost and others take too. Pure.
 * Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/
 */
import type { Notification } from "./notification.ts";

/** Of a section's text. */
const SECTION_MAX_CHARS = 3_000;
/** Ten lines with their fences fill a section. */
const LINE_MAX_CHARS = 280;
const TITLE_MAX_CHARS = 600;
const TEXT_MAX_CHARS = 2_000;
/** By which Slack would see mentions and links, and the end of a block of code. */
const ESCAPED: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "`": "'",
};
const FENCE = "```";

export function slackMessage(notification: Notification): object {
  const { event, incident, text, story, storyLeftOut, opsbot, key } = notification;
  const what = event === "escalated" ? "A person should look" : "It is over";
  const head = `Incident ${incident.id}: ${slackText(incident.title, TITLE_MAX_CHARS)}`;
  const said = slackText(text, TEXT_MAX_CHARS);
  const left = storyLeftOut > 0 ? [`${storyLeftOut} older lines`] : [];
  const lines = story.map((line) =>
    slackText(`${line.time.slice(11, 19)} ${line.kind}: ${line.text}`, LINE_MAX_CHARS),
  );
  const evidence = [...left, ...lines].join("\n");
  return {
    text: `${what}. ${head}: ${said}`,
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      section(`*${what}*\n${head}`),
      section(said),
      ...(evidence === "" ? [] : [section(`${FENCE}${evidence}${FENCE}`)]),
      { type: "context", elements: [mrkdwn(`${slackText(opsbot, LINE_MAX_CHARS)}, ${key}`)] },
    ],
  };
}

/** Nothing in it means something to Slack. What is longer is cut, and never in the midst of an entity. */
export function slackText(text: string, maxChars: number): string {
  let escaped = "";
  for (const char of text) {
    const piece = ESCAPED[char] ?? char;
    if (escaped.length + piece.length >= maxChars) return `${escaped}…`;
    escaped += piece;
  }
  // Slack refuses a text without any.
  return escaped === "" ? "-" : escaped;
}

const section = (text: string) => ({
  type: "section",
  text: mrkdwn(text.slice(0, SECTION_MAX_CHARS)),
});

/** Verbatim: addresses do not become links. */
const mrkdwn = (text: string) => ({ type: "mrkdwn", text, verbatim: true });
