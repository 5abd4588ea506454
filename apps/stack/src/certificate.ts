/** `npm run certificate -- ROLE NAME`: a certificate of the development CA for one more process. */
import { resolve } from "node:path";

import type { Program, Spec } from "@glassline/config";
import { ROLES, identityFiles } from "@glassline/service/identity";
import { readWordsOrExplain } from "@glassline/service/main";
import { ensureDevelopmentPki } from "@glassline/service/pki";

const program: Program<Spec> = {
  name: "certificate",
  command: "npm run certificate --",
  purpose: `Makes a certificate of the development CA for one more process, and prints where it and its key are.

ROLE is one of ${ROLES.join(", ")}.
NAME has letters, digits, ".", "_" and "-". PKI_DIR is .glassline/pki if it is left out.
Example: npm run certificate -- camera agent-2`,
  environmentPrefix: "GLASSLINE_CERTIFICATE",
  words: "ROLE NAME [PKI_DIR]",
  spec: {},
};

const words = readWordsOrExplain(program)?.words;
if (words) await certify(words);

async function certify(words: readonly string[]): Promise<void> {
  const [roleWord, instance, pkiDir = ".glassline/pki", ...rest] = words;
  const role = ROLES.find((known) => known === roleWord);
  if (!role || !instance || rest.length > 0 || !/^[A-Za-z0-9._-]+$/.test(instance)) {
    const got = words.join(" ") || "nothing";
    process.stderr.write(`got ${got}, expected ${program.words}\nSee: ${program.command} --help\n`);
    process.exitCode = 64;
    return;
  }
  const directory = resolve(pkiDir);
  await ensureDevelopmentPki(directory, [{ role, instance }]);
  const { certificate, privateKey } = identityFiles(directory, { role, instance });
  process.stdout.write(`${certificate}\n${privateKey}\n`);
}
