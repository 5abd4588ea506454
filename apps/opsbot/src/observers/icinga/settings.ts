/** How Icinga is reached, of flags and files. */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { SecureContextOptions } from "node:tls";
import { checkServerIdentity, createSecureContext } from "node:tls";
import type { PeerCertificate } from "node:tls";

import { OperatorError, messageOf } from "@glassline/service/errors";

import type { OpsBotConfig } from "../../config.ts";

export interface IcingaSettings {
  /** "https://icinga.example.net:5665" */
  url: string;
  /** Empty: a certificate says who asks. */
  user: string;
  password: string;
  /** PEM; undefined: the authorities that Node knows. */
  ca: string | undefined;
  certificate: string | undefined;
  key: string | undefined;
  /** The name in Icinga's certificate, its NodeName. */
  nodeName: string;
}

type IcingaFlags = Pick<
  OpsBotConfig,
  | "icinga"
  | "icingaUser"
  | "icingaPassword"
  | "icingaCa"
  | "icingaCert"
  | "icingaKey"
  | "icingaName"
>;

/** Undefined: Icinga is not listened to. Throws OperatorError. */
export function readIcingaSettings(config: IcingaFlags): IcingaSettings | undefined {
  const { icinga, icingaUser: user, icingaPassword: password, icingaCert, icingaKey } = config;
  if (icinga === "") return undefined;
  const url = URL.canParse(icinga) ? new URL(icinga) : undefined;
  if (url?.protocol !== "https:" || url.username !== "" || url.password !== "")
    throw new OperatorError(
      "--icinga: expected an address such as https://localhost:5665, without a user: Icinga speaks TLS only",
    );
  if ((icingaCert === "") !== (icingaKey === ""))
    throw new OperatorError("--icinga-cert, --icinga-key: got one of them, expected both or none");
  if ((user === "") === (icingaCert === ""))
    throw new OperatorError(
      "--icinga: expected either --icinga-user with --icinga-password, or --icinga-cert with --icinga-key",
    );
  if (user !== "" && password === "")
    throw new OperatorError("--icinga-password: got nothing, expected the password of the user");
  const settings = {
    url: url.origin,
    user,
    password,
    ca: read("--icinga-ca", config.icingaCa),
    certificate: read("--icinga-cert", icingaCert),
    key: read("--icinga-key", icingaKey),
    nodeName: config.icingaName || url.hostname,
  };
  assertUsable(settings);
  return settings;
}

/** Of a connection: Icinga's certificate is checked against its NodeName, which need not be the name of its machine. */
export function tlsOf({ ca, certificate, key, nodeName }: IcingaSettings) {
  return {
    ...(ca !== undefined && { ca }),
    ...(certificate !== undefined && { cert: certificate }),
    ...(key !== undefined && { key }),
    ...(isIP(nodeName) === 0 && { servername: nodeName }),
    minVersion: "TLSv1.2",
    checkServerIdentity: (_host: string, peer: PeerCertificate) =>
      checkServerIdentity(nodeName, peer),
  } satisfies SecureContextOptions & Record<string, unknown>;
}

function read(flag: string, path: string): string | undefined {
  if (path === "") return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new OperatorError(`${flag}: got ${path}, expected a file in PEM: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function assertUsable({ ca, certificate: cert, key }: IcingaSettings): void {
  try {
    createSecureContext({ ca, cert, key });
  } catch (error) {
    throw new OperatorError(
      `--icinga-ca, --icinga-cert, --icinga-key: expected PEM that belongs together: ${messageOf(error)}`,
      { cause: error },
    );
  }
}
