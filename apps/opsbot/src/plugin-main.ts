/** Check plugins for Icinga and Nagios: `node apps/opsbot/src/plugin-main.ts CHECK [flags]`. */
import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";

// A check starts a process: what was compiled once is not compiled again, where this user may write.
enableCompileCache(
  fileURLToPath(new URL("../../../node_modules/.cache/compiled", import.meta.url)),
);

function end({ text, exitCode }: { text: string; exitCode: number }): void {
  // A name look-up or a peer that says nothing would hold the process for longer than its result is wanted.
  process.stdout.write(text, () => process.exit(exitCode));
}

/** A bug is one line too. */
function failed(error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  end({ text: `CHECK UNKNOWN: ${reason.replaceAll(/[\p{Cc}|]+/gu, " ")}\n`, exitCode: 3 });
}

process.on("uncaughtException", failed);
process.on("unhandledRejection", failed);
const { runPlugin } = await import("./plugins/run.ts");
end(await runPlugin(process.argv.slice(2), process.env));
