/** `npm run fuzz -w @glassline/otqmn -- --seconds N --seed S`: exit code 1 when something was found. */
import { report } from "@glassline/bench/report";
import { ConfigError, readConfig } from "@glassline/config";

import type { FuzzConfig } from "./config.ts";
import { program } from "./config.ts";
import { CORPUS, writeInput } from "./corpus-file.ts";
import { fuzz } from "./fuzz.ts";

/** As sysexits.h has it. */
const EXIT_USAGE = 64;

function readOrExplain(): FuzzConfig | undefined {
  try {
    const result = readConfig(program);
    if ("config" in result) return result.config;
    process.stdout.write(result.help);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = EXIT_USAGE;
  }
  return undefined;
}

const config = readOrExplain();
if (config) {
  const seed = config.seed === 0 ? 1 + Math.floor(Math.random() * 4_294_967_295) : config.seed;
  const { inputs, refused, findings } = fuzz(config.seconds, seed, CORPUS, ({ input, problem }) =>
    process.stderr.write(`${writeInput(CORPUS, input)}: ${problem}\n`),
  );
  report("fuzz", "findings", findings.length, "{input}", { inputs, refused, seed });
  if (findings.length > 0) process.exitCode = 1;
}
