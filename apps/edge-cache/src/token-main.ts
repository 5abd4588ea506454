import { OperatorError } from "@glassline/service/errors";
import { readOrExplain } from "@glassline/service/main";

import { program, runTool } from "./tokens/token-tool.ts";

const config = readOrExplain(program);
if (config)
  try {
    process.stdout.write(`${await runTool(config, Date.now())}\n`);
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 69;
  }
