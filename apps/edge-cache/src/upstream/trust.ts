/** By what a server over TLS is known: its name and the system's authorities, or this network's certificates. */
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { ConnectionOptions } from "node:tls";
import { getCACertificates } from "node:tls";

import { OperatorError, messageOf } from "@glassline/service/errors";
import type { Identity, Role } from "@glassline/service/identity";
import { peerCheck, tlsOptions } from "@glassline/service/tls";

/** How a connection to a server is made, and which server is refused. */
export type Trust = Pick<
  ConnectionOptions,
  "ca" | "cert" | "key" | "minVersion" | "ecdhCurve" | "servername" | "checkServerIdentity"
>;

/** A process of this network: both ends show their certificates; it is known by the SPIFFE id in its own, not by its address. */
export function networkTrust(identity: Identity, role: Role, instance?: string): Trust {
  const checkServerIdentity = peerCheck(role, instance);
  return { ...tlsOptions(identity), servername: "localhost", checkServerIdentity };
}

/**
 * Any other server: its certificate has its name (RFC 9110 section 4.3.4), and an authority has signed it that Node trusts. It is shown
 * none of this edge.
 * @param caFile PEM, with more authorities; empty: none. Rejects with OperatorError.
 */
export async function systemTrust(caFile: string): Promise<Trust> {
  if (caFile === "") return {};
  try {
    const more = await readFile(caFile, "utf8");
    // Node passes over what it cannot read; this throws.
    void new X509Certificate(more);
    return { ca: [...getCACertificates("default"), more] };
  } catch (error) {
    throw new OperatorError(
      `--origin-ca: got ${caFile} (${messageOf(error)}), expected certificates of authorities as PEM`,
      { cause: error },
    );
  }
}
