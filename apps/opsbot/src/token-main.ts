import { OperatorError } from "@glassline/service/errors";
import { readOrExplain } from "@glassline/service/main";

import { makeToken, program } from "./access/token-tool.ts";

const config = readOrExplain(program);
if (config)
  try {
    process.stdout.write(`${await makeToken(config)}\n`);
    process.stderr.write(
      `For ${config.name}, ${config.role}; its hash is in ${config.apiTokens}. The token is not shown again.\n`,
    );
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 69;
  }
