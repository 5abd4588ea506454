/** Bundles a program into a few files, in a process of its own: rolldown holds 400 MiB as long as its process lives. Words: main.ts, folder. */
import { rolldown } from "rolldown";

const [input = "", dir = ""] = process.argv.slice(2);
const bundle = await rolldown({ input, platform: "node", logLevel: "silent" });
await bundle.write({
  dir,
  format: "esm",
  entryFileNames: "main.mjs",
  chunkFileNames: "[name]-[hash].mjs",
});
await bundle.close();
