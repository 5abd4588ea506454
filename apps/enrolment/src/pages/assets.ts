/** The files that pages load: style, script, and hls.js as its makers publish it. Named by their content, so that browsers keep them. */
import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

import type { AssetPaths } from "../core/html.ts";

const HASH_CHARS = 16;

interface Asset {
  path: string;
  type: string;
  plain: Buffer;
  zipped: Buffer;
}

export interface Assets {
  paths: AssetPaths;
  all: readonly Asset[];
}

export async function readAssets(): Promise<Assets> {
  const own = (name: string) => fileURLToPath(new URL(`../../page/${name}`, import.meta.url));
  const [style, watch, hls] = await Promise.all([
    readAsset("style", "css", own("style.css")),
    readAsset("watch", "js", own("watch.js")),
    readAsset("hls", "js", fileURLToPath(import.meta.resolve("hls.js/dist/hls.min.mjs"))),
  ]);
  return {
    paths: { style: style.path, watch: watch.path, hls: hls.path },
    all: [style, watch, hls],
  };
}

async function readAsset(name: string, ending: "css" | "js", file: string): Promise<Asset> {
  const plain = await readFile(file);
  const mark = hash("sha256", plain, "hex").slice(0, HASH_CHARS);
  return {
    path: `/assets/${name}.${mark}.${ending}`,
    type: `text/${ending === "js" ? "javascript" : "css"}; charset=utf-8`,
    plain,
    zipped: await promisify(gzip)(plain, { level: 9 }),
  };
}
