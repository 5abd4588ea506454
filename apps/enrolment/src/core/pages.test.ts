import fc from "fast-check";
import { expect, test } from "vitest";

import { oddChannel, oddLine } from "./channels.testing.ts";
import { enrolmentPage } from "./enrolment-page.ts";
import { watchPage } from "./watch-page.ts";
import { escapeXml } from "./xml.ts";

const assets = { style: "/assets/a.css", watch: "/assets/b.js", hls: "/assets/c.js" };

/** Names of elements, in their order. */
const elements = (page: string) => page.match(/<\/?[a-z!][a-z0-9]*/gi)!.join(" ");

test("whatever channels and devices are called, the pages have the same elements", () => {
  const pageOf = (channel: Parameters<typeof enrolmentPage>[0]["channel"], deviceName: string) =>
    enrolmentPage({
      channel,
      deviceName,
      icon: { base64: "AAAA" },
      hasRootCertificate: true,
      isSignerPublic: true,
      standing: "open",
      pageSecret: "A".repeat(43),
      untilMs: 86_400_000,
      nowMs: 0,
      assets,
    });
  const watchOf = (title: string) =>
    watchPage({ streamPath: "/watch/a/stream", iconPath: "/watch/a/icon.png", title, assets });
  fc.assert(
    fc.property(oddChannel(), oddLine(64), (channel, deviceName) => {
      const plain = { ...channel, title: "t", description: "d", organization: "o" };
      const page = pageOf(channel, deviceName);
      expect(elements(page)).toBe(elements(pageOf(plain, "n")));
      expect(page).toContain(`<b>${escapeXml(deviceName)}</b>`);
      expect(page).toContain(`<h1>${escapeXml(channel.title)}</h1>`);
      expect(elements(watchOf(channel.title))).toBe(elements(watchOf("t")));
    }),
  );
});
