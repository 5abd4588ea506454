/** Generates src/gen/quantum.ts and docs/quantum.md from registry/quantum.yaml. */
import { readFileSync, writeFileSync } from "node:fs";

import { parse } from "yaml";

interface Attribute {
  id: string;
  type: string;
  on: string;
  brief: string;
  values?: Record<string, string>;
}

const here = new URL("../", import.meta.url);
const text = readFileSync(new URL("registry/quantum.yaml", here), "utf8");
const { attributes } = parse(text) as { attributes: Attribute[] };

writeFileSync(new URL("src/gen/quantum.ts", here), typescript());
writeFileSync(new URL("docs/quantum.md", here), markdown());

function typescript(): string {
  const constants = attributes.map(
    ({ id, brief }) => `/** ${brief} */\nexport const ${constantName(id)} = ${JSON.stringify(id)};`,
  );
  return `// Generated from registry/quantum.yaml by \`npm run generate\`. Do not edit.\n\n${constants.join("\n\n")}\n`;
}

function constantName(id: string): string {
  return `ATTR_${id.replaceAll(".", "_").toUpperCase()}`;
}

function markdown(): string {
  const rows = attributes.map(
    ({ id, type, on, brief, values }) =>
      `| \`${id}\` | ${type} | ${on} | ${brief}${valuesText(values)} |`,
  );
  return `<!-- Generated from registry/quantum.yaml by \`npm run generate\`. Do not edit. -->

# The quantum.* convention

What spans say of the keys that protected a message on its way from the gateway to the collector. Below them the message is sealed from end to end.

| attribute | type | on | meaning |
| --- | --- | --- | --- |
${rows.join("\n")}
`;
}

function valuesText(values: Record<string, string> = {}): string {
  const named = Object.entries(values).map(([value, name]) => `\`${value}\` ${name}`);
  return named.length === 0 ? "" : ` ${named.join(", ")}.`;
}
