/** Where phones find this service, as the settings say. */
import type { KeyPair } from "@glassline/service/certificate";
import { readKeyPair } from "@glassline/service/certificate";
import { OperatorError } from "@glassline/service/errors";

import type { EnrolmentConfig } from "../config.ts";

/** As phones reach it. */
export interface Site {
  /** "https://watch.example.net"; without one in the settings, known when the server listens. */
  publicUrl: string;
}

/** The certificate is read; undefined: HTTP without TLS. Rejects with OperatorError. */
export async function siteOf(
  config: EnrolmentConfig,
): Promise<{ site: Site; pair: KeyPair | undefined }> {
  const { tlsCert, tlsKey, publicUrl } = config;
  if ((tlsCert === "") !== (tlsKey === ""))
    throw new OperatorError(
      `--tls-cert and --tls-key: got ${tlsCert === "" ? "the key" : "the certificate"} alone, expected both or none`,
    );
  const pair = tlsCert === "" ? undefined : await readKeyPair(tlsFilesOf(config));
  return { site: { publicUrl: publicUrl === "" ? "" : originOf(publicUrl) }, pair };
}

export function tlsFilesOf({ tlsCert, tlsKey }: EnrolmentConfig) {
  return {
    certificate: { flag: "--tls-cert", path: tlsCert },
    key: { flag: "--tls-key", path: tlsKey },
  };
}

function originOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed && /^https?:$/.test(parsed.protocol) && parsed.href === `${parsed.origin}/`)
    return parsed.origin;
  throw new OperatorError(
    `--public-url: got ${JSON.stringify(url)}, expected https://HOST or http://HOST:PORT`,
  );
}

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** Whether links and tokens can be read on their way. */
export function isInTheClear({ publicUrl }: Site): boolean {
  const { protocol, hostname } = new URL(publicUrl);
  return protocol === "http:" && !LOOPBACK.test(hostname);
}
