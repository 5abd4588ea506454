// Plain JavaScript, so that any Node can say what is wrong when it is not the right one.
const WANTED = 26;
const got = Number(process.versions.node.split(".")[0]);
if (got >= WANTED) await import("./main.ts");
else {
  process.stderr.write(
    `Node: got ${process.versions.node}, expected ${WANTED} or newer. Glassline brings its own: run \`npm install\`, then \`npm start\`\n` +
      "(if npm was told to ignore install scripts, run `npm rebuild node` once).\n",
  );
  process.exitCode = 69;
}
