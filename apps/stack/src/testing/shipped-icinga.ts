/** A real Icinga2 with what is shipped for it, for a stage of deployments. */
import { join } from "node:path";

import type { Identity, PeerName } from "@glassline/service/identity";
import { identityFiles } from "@glassline/service/identity";

import { ROOT_DIRECTORY } from "../page.ts";
import type { Icinga } from "./icinga.ts";
import { deployed, startIcinga } from "./icinga.ts";
import type { Words } from "./stage-apps.ts";

/** May do all in Icinga. */
export const ICINGA_ROOT: PeerName = { role: "operator", instance: "root" };
const ICINGA_FILES = [
  "commands.conf",
  "templates.conf",
  "services.conf",
  "dependencies.conf",
  "api-users.conf",
];

export interface ShippedIcingaOptions {
  /** Of the stage. */
  directory: string;
  pkiDir: string;
  checkInterval: "2s" | "60s";
  issue: (name: PeerName) => Promise<Identity>;
}

export async function startShippedIcinga({
  directory,
  pkiDir,
  checkInterval,
  issue,
}: ShippedIcingaOptions): Promise<Icinga> {
  await issue({ role: "monitor", instance: "local" });
  const constants = `
const GlasslineDir = "${ROOT_DIRECTORY}"
const GlasslineNode = "${process.execPath}"
const GlasslinePki = "${pkiDir}"
const GlasslineIdentity = "monitor.local"
const GlasslineCache = "${join(directory, "compiled")}"
const GlasslineInterval = ${checkInterval}
const GlasslinePushUrl = ""
const GlasslineOpsBotName = "opsbot opsbot"
const GlasslineReaderName = "dashboard reader"
object ApiUser "root" {
  client_cn = "${ICINGA_ROOT.role} ${ICINGA_ROOT.instance}"
  permissions = [ "*" ]
}
`;
  return startIcinga(join(directory, "icinga"), constants + deployed(...ICINGA_FILES), issue);
}

/** How OpsBot finds it. */
export function icingaWords({ port }: Icinga, pkiDir: string, opsbot: PeerName): Words {
  const { ca, certificate, privateKey } = identityFiles(pkiDir, opsbot);
  return {
    icinga: `https://localhost:${port}`,
    "icinga-ca": ca,
    "icinga-cert": certificate,
    "icinga-key": privateKey,
  };
}
