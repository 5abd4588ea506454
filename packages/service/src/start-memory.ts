/** Memory that only the start of a process needed. */
import { flushCompileCache } from "node:module";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Gives back what the start left behind: V8 keeps the space in which the start's objects were made until a collection that is told
 * to give back all it can. What was compiled is stored for the next start where NODE_COMPILE_CACHE names a folder.
 */
export function releaseStartMemory(): void {
  flushCompileCache();
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as NodeJS.GCFunction;
  setFlagsFromString("--no-expose-gc");
  collect({ execution: "sync", type: "major", flavor: "last-resort" });
}
