/** Settings that every app has. */
import { choice, directory, list, port, text } from "@glassline/config";

import { LOG_LEVELS } from "./logger.ts";

/** @param adminPort the app's default. */
export const commonOptions = (adminPort: string) => ({
  host: text({ help: "Address to listen on.", default: "127.0.0.1" }),
  allowedHost: list({
    help: "Host names, beside those of loopback, by which HTTP may be asked.",
    placeholder: "NAME",
  }),
  adminPort: port({ help: "HTTP for health and metrics.", default: adminPort }),
  pkiDir: directory({
    help: "Folder with ca.pem and this process's certificate and key.",
    default: ".glassline/pki",
  }),
  logLevel: choice({ help: "Least level that is logged.", default: "info", of: LOG_LEVELS }),
});
