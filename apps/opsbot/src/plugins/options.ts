/** Flags of check plugins, by the letters and words of the monitoring-plugins guidelines. */
import type { Option } from "@glassline/config";
import { directory, integer, list, text, toggle } from "@glassline/config";

import type { State } from "../core/check-state.ts";
import { STATE_WORDS } from "../core/plugin-output.ts";
import type { Limits, Range } from "../core/range.ts";
import { parseRange, rangeText } from "../core/range.ts";

/** Source: https://www.monitoring-plugins.org/doc/guidelines.html#AEN302 */
const LETTERS: Readonly<Record<string, string>> = {
  H: "--hostname",
  p: "--port",
  u: "--url",
  w: "--warning",
  c: "--critical",
  t: "--timeout",
  v: "--verbose",
};

/** "-w 5", "-w5" and "-vv" as words of the long form. */
export function longForm(words: readonly string[]): string[] {
  return words.flatMap((word) => {
    if (/^-v+$/.test(word)) return [LETTERS["v"]!];
    const [, letter = "", value = ""] = /^-([A-Za-z])(.*)$/s.exec(word) ?? [];
    const long = LETTERS[letter];
    if (long === undefined) return [word];
    return value === "" ? [long] : [`${long}=${value}`];
  });
}

export function range(letter: "w" | "c", common: { help: string; default?: Range | undefined }) {
  const option: Option<Range | undefined> = {
    help: `${common.help} (-${letter})`,
    placeholder: "RANGE",
    defaultText: common.default && rangeText(common.default),
    repeatable: false,
    parse: (texts) => (texts.length === 0 ? undefined : parseRange(texts.at(-1)!)),
  };
  return option;
}

/** -w and -c. @param what is measured, with its unit. */
export const limits = (what: string, { warning, critical }: Limits = {}) => ({
  warning: range("w", { help: `Where ${what} is WARNING.`, default: warning }),
  critical: range("c", { help: `Where ${what} is CRITICAL.`, default: critical }),
});

export interface Timeout {
  seconds: number;
  state: State;
}

const TIMEOUT_MAX_SECONDS = 3_600;
export const DEFAULT_TIMEOUT: Timeout = { seconds: 10, state: "unknown" };

const timeout: Option<Timeout> = {
  help: "So long it may take, and what the result is then: 10, or 10:CRITICAL. (-t)",
  placeholder: "SECONDS[:STATE]",
  defaultText: `${DEFAULT_TIMEOUT.seconds}:UNKNOWN`,
  repeatable: false,
  parse: ([...texts]) => {
    const [, digits, word = "UNKNOWN"] = /^(\d{1,4})(?::(\w+))?$/.exec(texts.at(-1) ?? "") ?? [];
    const [seconds, state] = [Number(digits), STATE_WORDS[word.toUpperCase()]];
    if (!(seconds >= 1 && seconds <= TIMEOUT_MAX_SECONDS) || state === undefined)
      throw new Error(
        `expected seconds from 1 to ${TIMEOUT_MAX_SECONDS}, and a state if wanted: 10:CRITICAL`,
      );
    return { seconds, state };
  },
};

export const common = {
  timeout,
  verbose: toggle({ help: "Tells more below the first line. (-v)" }),
};

export const pki = {
  pkiDir: directory({
    help: "Folder with ca.pem, and the certificate and key of --identity.",
    default: ".glassline/pki",
  }),
  identity: text({
    help: "Role and name in the certificate that is shown.",
    default: "monitor.local",
    placeholder: "ROLE.NAME",
  }),
};

/** Of what a check asks. @param what "the edge" */
export const target = (what: string, name: string) => ({
  hostname: text({ help: `Where ${what} is. (-H)`, default: "localhost", placeholder: "HOST" }),
  port: integer({
    help: `Its gRPC port, asked with certificates; 0: --url is asked. (-p)`,
    default: "0",
    min: 0,
    max: 65_535,
    placeholder: "PORT",
  }),
  url: url(`Its admin HTTP instead of gRPC, such as http://localhost:7491. (-u)`),
  name: text({ help: "Name in its certificate. Empty: any of its role.", default: name }),
  ...pki,
});

/** Without a trailing slash; empty when it is not given. */
export function url(help: string): Option<string> {
  return {
    help,
    placeholder: "URL",
    defaultText: "",
    repeatable: false,
    parse: (texts) => {
      const given = texts.at(-1) ?? "";
      if (given !== "" && !(/^https?:\/\//.test(given) && URL.canParse(given)))
        throw new Error("expected a URL of http or https");
      return given.replace(/\/$/, "");
    },
  };
}

export const names = (help: string) => list({ help, placeholder: "NAME" });
