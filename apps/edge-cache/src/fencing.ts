/** The highest fencing token that the edge has seen: on its disk, where it has one. */
import { join } from "node:path";

import { ActionFile } from "@glassline/service/action-file";
import { messageOf } from "@glassline/service/errors";
import { Fencing } from "@glassline/service/fencing";
import type { Logger } from "@glassline/service/logger";

const NAME = "actions.json";

/** @param directory of the disk, which is there; empty: none. A file that cannot be read costs what it held: viewers come first. */
export async function openFencing(directory: string, logger: Logger): Promise<Fencing> {
  if (directory === "") return new Fencing();
  const path = join(directory, NAME);
  const file = await ActionFile.open(path).catch((error: unknown) => {
    logger.error({ reason: messageOf(error) }, "the highest fencing token is not known any more");
    return ActionFile.begin(path);
  });
  return new Fencing(file.fencingToken, (token) => file.keepToken(token));
}
