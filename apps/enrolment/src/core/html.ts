/** HTML in which every text is escaped that is put in. Pure. */
import { escapeXml } from "./xml.ts";

export interface Html {
  readonly html: string;
}

type Inside = string | number | Html | readonly Html[];

/** A template: html`<p>${text}</p>` */
export function html(parts: TemplateStringsArray, ...inside: readonly Inside[]): Html {
  return { html: parts.reduce((text, part, at) => `${text}${written(inside[at - 1]!)}${part}`) };
}

function written(value: Inside): string {
  if (typeof value === "object")
    return "html" in value ? value.html : value.map((one) => one.html).join("");
  return escapeXml(String(value));
}

/** Of the files that pages load. */
export interface AssetPaths {
  style: string;
  watch: string;
  hls: string;
}

/** @param more for its head. */
export function documentOf(
  title: string,
  { style }: AssetPaths,
  body: Html,
  more: Html | "" = "",
): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
        <meta name="robots" content="noindex" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="stylesheet" href="${style}" />
        ${more}
      </head>
      <body>
        ${body}
      </body>
    </html> `.html;
}
