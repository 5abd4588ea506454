/** Writes the JSON Schema of channel.yaml for editors and other programs. Part of `npm run generate`. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";

const description = new URL("../apps/opsbot/src/core/deployment/description.ts", import.meta.url)
  .href;
const { channelSchemaText } = (await import(description)) as { channelSchemaText: () => string };
const path = new URL("../apps/opsbot/docs/channel.schema.json", import.meta.url);
mkdirSync(new URL(".", path), { recursive: true });
// Written whole or not at all, also when it is stopped half-way.
const temporary = new URL(`${path.href}.new`);
writeFileSync(temporary, channelSchemaText());
renameSync(temporary, path);
