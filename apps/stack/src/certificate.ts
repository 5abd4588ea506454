/** `npm run certificate -- ROLE NAME`: a certificate of the development CA for one more process. */
import { resolve } from "node:path";

import { ROLES, identityFiles } from "@glassline/service/identity";
import { ensureDevelopmentPki } from "@glassline/service/pki";

const [roleWord, instance, pkiDir = ".glassline/pki", ...rest] = process.argv.slice(2);
const role = ROLES.find((known) => known === roleWord);
if (!role || !instance || rest.length > 0 || !/^[A-Za-z0-9._-]+$/.test(instance)) {
  const got = process.argv.slice(2).join(" ") || "nothing";
  process.stderr.write(
    `got ${got}, expected: npm run certificate -- ROLE NAME [PKI_DIR]\n` +
      `ROLE is one of ${ROLES.join(", ")}; NAME has letters, digits, ".", "_" and "-". Example: npm run certificate -- camera agent-2\n`,
  );
  process.exitCode = 64;
} else {
  const directory = resolve(pkiDir);
  await ensureDevelopmentPki(directory, [{ role, instance }]);
  const { certificate, privateKey } = identityFiles(directory, { role, instance });
  process.stdout.write(`${certificate}\n${privateKey}\n`);
}
