/** Passwords and shared secrets that channels name by a file: of one folder, and no other. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { RpcError } from "@glassline/proto/errors";
import { messageOf } from "@glassline/service/errors";

const SECRET_MAX_CHARS = 1_024;

export interface SecretsFolder {
  /** Without the line's end. Rejects with RpcError "failed_precondition". @param name has been checked: no path. */
  read(name: string): Promise<string>;
}

export function secretsFolder(directory: string): SecretsFolder {
  return {
    async read(name) {
      const path = join(directory, name);
      const text = await readFile(path, "utf8").catch((error: unknown) => {
        throw new RpcError("failed_precondition", `${path}: cannot be read: ${messageOf(error)}`, {
          cause: error,
        });
      });
      const secret = text.replace(/\r?\n$/, "");
      if (secret !== "" && secret.length <= SECRET_MAX_CHARS) return secret;
      throw new RpcError(
        "failed_precondition",
        `${path}: got ${secret.length} characters, expected 1 to ${SECRET_MAX_CHARS}`,
      );
    },
  };
}
