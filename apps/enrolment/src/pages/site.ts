/** Where phones find this service, as the settings say. */
import { OperatorError } from "@glassline/service/errors";

import type { EnrolmentConfig } from "../config.ts";

/** As phones reach it. */
export interface Site {
  /** "https://watch.example.net"; without one in the settings, known when the server listens. */
  publicUrl: string;
}

/** Throws OperatorError. */
export function siteOf({ publicUrl }: EnrolmentConfig): Site {
  return { publicUrl: publicUrl === "" ? "" : originOf(publicUrl) };
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
