/** Who a process is: a certificate from the network's CA that names a role and an instance, as a SPIFFE id. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { OperatorError, systemCodeOf } from "./errors.ts";

/**
 * The roles of the network. Cameras write to gateways, mesh nodes to collectors, OpsBot to node-agents and edges. Key managers (KME) give mesh
 * nodes keys. A monitor only reads. A load balancer hands streams of producers on to collectors and may do nothing else.
 */
export const ROLES = [
  "camera",
  "mesh-node",
  "kme",
  "collector",
  "origin",
  "edge-cache",
  "node-agent",
  "opsbot",
  "enrolment",
  "dashboard",
  "operator",
  "monitor",
  "load-balancer",
] as const;
export type Role = (typeof ROLES)[number];

export interface PeerName {
  role: Role;
  instance: string;
}

export interface Identity extends PeerName {
  /** All PEM. */
  certificate: string;
  privateKey: string;
  ca: string;
}

const TRUST_DOMAIN = "glassline";

/** E.g. "spiffe://glassline/mesh-node/node-1". Source: https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md */
export function spiffeId({ role, instance }: PeerName): string {
  return `spiffe://${TRUST_DOMAIN}/${role}/${instance}`;
}

/** The name in a certificate's subject alternative names as Node prints them; undefined when there is none of ours. */
export function peerNameOf(subjectAltName: string | undefined): PeerName | undefined {
  const match = /URI:spiffe:\/\/glassline\/([a-z-]+)\/([A-Za-z0-9._-]+)(?:,|$)/.exec(
    subjectAltName ?? "",
  );
  const role = ROLES.find((known) => known === match?.[1]);
  return role && match ? { role, instance: match[2]! } : undefined;
}

/** Files of an identity within its folder. */
export const identityFiles = (directory: string, { role, instance }: PeerName) => ({
  ca: join(directory, "ca.pem"),
  certificate: join(directory, `${role}.${instance}.pem`),
  privateKey: join(directory, `${role}.${instance}.key`),
});

/** Reads an identity from its folder. Fails with OperatorError. */
export async function readIdentity(directory: string, name: PeerName): Promise<Identity> {
  const files = identityFiles(directory, name);
  try {
    const [ca, certificate, privateKey] = await Promise.all(
      [files.ca, files.certificate, files.privateKey].map((path) => readFile(path, "utf8")),
    );
    return { ...name, ca: ca!, certificate: certificate!, privateKey: privateKey! };
  } catch (error) {
    const path = error instanceof Error && "path" in error ? String(error.path) : directory;
    throw new OperatorError(
      `certificate of ${name.role} ${name.instance}: cannot read ${path} (${systemCodeOf(error)}). ` +
        "`npm start` makes a development CA and certificates below its data folder; give that folder's pki with --pki-dir.",
      { cause: error },
    );
  }
}
