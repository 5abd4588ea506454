/** `npm run fuzz -w @glassline/otqmn -- --seconds N --seed S`: exit code 1 when something was found. */
import { report } from "@glassline/bench/report";
import { readOrExplain } from "@glassline/service/main";

import { program } from "./config.ts";
import { CORPUS, writeInput } from "./corpus-file.ts";
import { fuzz } from "./fuzz.ts";

const config = readOrExplain(program);
if (config) {
  const seed = config.seed === 0 ? 1 + Math.floor(Math.random() * 4_294_967_295) : config.seed;
  const { inputs, refused, findings } = fuzz(config.seconds, seed, CORPUS, ({ input, problem }) =>
    process.stderr.write(
      `${input ? writeInput(CORPUS, input) : "written by chance"}: ${problem}\n`,
    ),
  );
  report("fuzz", "findings", findings.length, "{input}", { inputs, refused, seed });
  if (findings.length > 0) process.exitCode = 1;
}
