/** Cameras by their recordings: a file, or files that show the same in several qualities. */
import { resolve } from "node:path";

import type { Option } from "./option.ts";
import { list } from "./option.ts";

export interface Recording {
  /** Undefined: that of the file. */
  name: string | undefined;
  /** The best first; at least one. */
  paths: readonly string[];
}

/** A path that begins like this is given as "./cam=1.mp4". */
const NAMED = /^([a-z0-9][a-z0-9_-]{0,62})=(.*)$/;

/** FILE or NAME=FILE,FILE: absolute or from where the user typed the command; may be given several times. */
export function recordings({ help }: { help: string }): Option<readonly Recording[]> {
  const texts = list({ help, placeholder: "FILE.mp4" });
  return {
    ...texts,
    split: splitCameras,
    parse: (values, from) => texts.parse(values, from).map((value) => parseRecording(value, from)),
  };
}

/** As it would be typed. */
export function recordingText({ name, paths }: Recording): string {
  return name === undefined ? paths.join(",") : `${name}=${paths.join(",")}`;
}

function parseRecording(value: string, from: string): Recording {
  const [, name, files] = NAMED.exec(value) ?? [];
  if (name === undefined || files === undefined)
    return { name: undefined, paths: [resolve(from, value)] };
  const paths = files.split(",");
  if (paths.includes("")) throw new Error("expected FILE.mp4 or NAME=FILE.mp4,FILE.mp4");
  return { name, paths: paths.map((path) => resolve(from, path)) };
}

/** "a.mp4,b.mp4" are two cameras; behind "NAME=a.mp4" come the other files of that one, until the next name. */
function splitCameras(text: string): string[] {
  const cameras: string[] = [];
  for (const word of text.split(",")) {
    const last = cameras.at(-1);
    if (last !== undefined && NAMED.test(last) && !NAMED.test(word))
      cameras[cameras.length - 1] = `${last},${word}`;
    else cameras.push(word);
  }
  return cameras;
}
