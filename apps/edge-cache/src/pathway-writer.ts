/** Puts all edges as pathways into multivariant playlists (HLS content steering); each playlist is written once for each first edge. */
import type { Pathway } from "@glassline/hls/pathways";
import { isMultivariant, withPathways } from "@glassline/hls/pathways";

import type { Answer } from "./answer.ts";
import { initialOf } from "./core/steering.ts";
import type { Peers } from "./peers.ts";
import { SharedBody } from "./shared-body.ts";

/** They are about another text then. */
const VALIDATORS: ReadonlySet<string> = new Set(["etag", "last-modified", "content-length"]);

export type PathwayWriter = ReturnType<typeof pathwayWriter>;

export interface PathwayDeps {
  edge: string;
  publicUrl: string;
  peers: Peers;
  isSteeredAway: () => boolean;
}

/** A playlist as it is shown; the same bytes where nothing is to be said in it. */
interface Written {
  initial: string;
  text: Buffer;
}

export function pathwayWriter({ edge, publicUrl, peers, isSteeredAway }: PathwayDeps) {
  const pathways: Pathway[] = [
    { id: edge, baseUrl: publicUrl },
    ...peers.all().map((peer) => ({ id: peer.edge, baseUrl: peer.publicUrl })),
  ];
  /** By the playlist's bytes; those that stay as they are, too. */
  const written = new WeakMap<Buffer, Written>();
  return (answer: Answer, path: string): Answer => {
    if (answer.status !== 200 || !path.endsWith(".m3u8")) return answer;
    if (answer.body instanceof SharedBody && !answer.body.isWhole) return answer;
    const body = answer.body instanceof SharedBody ? answer.body.whole() : answer.body;
    const known = written.get(body);
    if (known?.text === body) return answer;
    const initial = initialOf(edge, isSteeredAway(), peers.all());
    const isKnown = known?.initial === initial;
    const text = isKnown ? known.text : rewritten(answer, body, path, initial);
    if (!isKnown) written.set(body, { initial, text });
    if (text === body) return answer;
    return { ...answer, fields: answer.fields.without(VALIDATORS), body: text };
  };

  function rewritten({ fields }: Answer, body: Buffer, path: string, initial: string): Buffer {
    const channel = /^\/live\/([^/]+)\//.exec(path)?.[1];
    if (channel === undefined || fields.has("content-encoding")) return body;
    const original = body.toString("utf8");
    if (!isMultivariant(original)) return body;
    const about = { initial, serverUri: `/steering/${channel}` };
    return Buffer.from(withPathways(original, path, pathways, about));
  }
}
