/** An OpsBot that dies at a boundary of its journal, and writes down each one that it reaches. */
import { appendFileSync } from "node:fs";

import { runApp } from "@glassline/service/app";

import { program } from "../../src/config.ts";
import { startOpsBot } from "../../src/opsbot.ts";
import type { Store } from "../../src/stores/open-store.ts";
import { boundariesOf } from "../loop/boundaries.ts";
import { openWatchedStore } from "../loop/store.ts";
import { DIE_AT, REACHED } from "./words.ts";

const dieAt = process.env[DIE_AT] || undefined;
const reached = process.env[REACHED]!;
const boundaries = boundariesOf({ dieAt, tell: (at) => appendFileSync(reached, `${at}\n`) });

await runApp(program, "opsbot", (config, deps) =>
  startOpsBot(config, deps, async (storeConfig, storeDeps): Promise<Store> => {
    const { journal, leadership } = await openWatchedStore(
      storeConfig,
      boundaries,
      false,
      storeDeps,
    );
    return {
      journal,
      leadership,
      [Symbol.asyncDispose]: async () => {
        await leadership[Symbol.asyncDispose]();
        await journal[Symbol.asyncDispose]();
      },
    };
  }),
);
