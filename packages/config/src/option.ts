/** Kinds of options: each turns the text of a flag or an environment variable into a typed value. */
import { resolve } from "node:path";

export type Environment = Readonly<Record<string, string | undefined>>;

/** How one setting is read. `parse` throws an Error that says what was expected. */
export interface Option<T> {
  readonly help: string;
  /** What stands for the value in `--help`, e.g. "PORT"; undefined for a switch. */
  readonly placeholder: string | undefined;
  /** As it would be typed; undefined: the setting is required, or a list or switch that is empty. */
  readonly defaultText: string | undefined;
  /** True: may be given several times. */
  readonly repeatable: boolean;
  /** The values in one text of the environment; undefined: they are separated by commas. */
  readonly split?: (text: string) => readonly string[];
  /**
   * @param texts all values given, in order; the default when none was; empty when there is none.
   * @param directory where the user typed the command: relative paths begin there.
   * @param environment for files that name variables.
   */
  parse(texts: readonly string[], directory: string, environment?: Environment): T;
}

interface Common {
  help: string;
  default?: string;
}

function single<T>(
  placeholder: string,
  common: Common,
  read: (text: string, directory: string) => T,
): Option<T> {
  return {
    help: common.help,
    placeholder,
    defaultText: common.default,
    repeatable: false,
    parse: (texts, directory) => {
      if (texts.length === 0) throw new Error(`expected a value (${placeholder})`);
      return read(texts.at(-1)!, directory);
    },
  };
}

/** Any text; empty text is refused unless it is the default, or `orNone` says that it has a meaning. */
export function text(common: Common & { placeholder?: string; orNone?: boolean }): Option<string> {
  return single(common.placeholder ?? "TEXT", common, (value) => {
    if (value === "" && common.default !== "" && !common.orNone)
      throw new Error("expected a text that is not empty");
    return value;
  });
}

/** A folder; absolute, or from where the user typed the command. Empty text is refused unless it is the default. */
export function directory(common: Common): Option<string> {
  return path("DIR", "a folder", common);
}

/** A file; absolute, or from where the user typed the command. Empty text is refused unless it is the default. */
export function file(common: Common): Option<string> {
  return path("FILE", "a file", common);
}

function path(placeholder: string, what: string, common: Common): Option<string> {
  return single(placeholder, common, (value, from) => {
    if (value !== "") return resolve(from, value);
    if (common.default !== "") throw new Error(`expected ${what}`);
    return "";
  });
}

/** A whole number from min to max. */
export function integer(
  common: Common & { min: number; max: number; placeholder?: string },
): Option<number> {
  return single(common.placeholder ?? "N", common, (value) => {
    const number = /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= common.min && number <= common.max)) {
      throw new Error(`expected a whole number from ${common.min} to ${common.max}`);
    }
    return number;
  });
}

/** A number from min to max. */
export function number(common: Common & { min: number; max: number }): Option<number> {
  return single("X", common, (value) => {
    const result = value.trim() === "" ? Number.NaN : Number(value);
    if (!(result >= common.min && result <= common.max)) {
      throw new Error(`expected a number from ${common.min} to ${common.max}`);
    }
    return result;
  });
}

/** A TCP port; 0 lets the system choose. */
export function port(common: Common): Option<number> {
  return integer({ ...common, min: 0, max: 65_535, placeholder: "PORT" });
}

export interface PortRange {
  first: number;
  last: number;
}

/** TCP ports from the first to the last one: "7600-7699". */
export function portRange(common: Common): Option<PortRange> {
  return single("FIRST-LAST", common, (value) => {
    const [, first, last] = (/^(\d{1,5})-(\d{1,5})$/.exec(value) ?? []).map(Number);
    if (!(first! >= 1 && first! <= last! && last! <= 65_535))
      throw new Error("expected two ports from 1 to 65535, the lower one first, such as 7600-7699");
    return { first: first!, last: last! };
  });
}

const BYTE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/**
 * A size such as 64MiB, in bytes.
 * @param common with `orNone`, "0" is allowed too: there is no limit.
 */
export function bytes(
  common: Common & { minBytes: number; maxBytes?: number; orNone?: boolean },
): Option<number> {
  const { minBytes, maxBytes = Number.MAX_SAFE_INTEGER } = common;
  const none = common.orNone ? "0, or " : "";
  return single("SIZE", common, (value) => {
    if (common.orNone && value === "0") return 0;
    const match = /^(\d+)(B|KiB|MiB|GiB|TiB)$/.exec(value);
    const size = match ? Number(match[1]) * BYTE_UNITS[match[2]!]! : Number.NaN;
    if (!(size >= minBytes && size <= maxBytes)) {
      const most = common.maxBytes === undefined ? "" : ` and at most ${maxBytes}`;
      throw new Error(
        `expected ${none}a size of at least ${minBytes}${most} bytes, such as 64MiB or 2GiB`,
      );
    }
    return size;
  });
}

const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * A length of time such as 500ms or 5m, in milliseconds.
 * @param common with `orNone`, "0" is allowed too: what takes that time is not done.
 */
export function duration(
  common: Common & { minMs: number; maxMs: number; orNone?: boolean },
): Option<number> {
  const none = common.orNone ? "0, or " : "";
  return single("TIME", common, (value) => {
    if (common.orNone && value === "0") return 0;
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value);
    const lengthMs = match ? Number(match[1]) * DURATION_UNITS_MS[match[2]!]! : Number.NaN;
    if (!(lengthMs >= common.minMs && lengthMs <= common.maxMs)) {
      throw new Error(
        `expected ${none}a time from ${common.minMs}ms to ${common.maxMs}ms, such as 500ms, 5s or 10m`,
      );
    }
    return lengthMs;
  });
}

/** One of a few words. */
export function choice<const T extends string>(common: Common & { of: readonly T[] }): Option<T> {
  return single(common.of.join("|"), common, (value) => {
    const found = common.of.find((word) => word === value);
    if (found === undefined) throw new Error(`expected one of ${common.of.join(", ")}`);
    return found;
  });
}

/** A switch: absent or present. From the environment: 1, true, 0 or false. */
export function toggle({ help }: { help: string }): Option<boolean> {
  return {
    help,
    placeholder: undefined,
    defaultText: undefined,
    repeatable: false,
    parse: (texts) => {
      const value = texts.at(-1) ?? "false";
      if (!["1", "true", "0", "false"].includes(value))
        throw new Error("expected 1, true, 0 or false");
      return value === "1" || value === "true";
    },
  };
}

/** May be given several times; from the environment separated by commas. */
export function list(common: { help: string; placeholder: string }): Option<readonly string[]> {
  return {
    ...common,
    defaultText: undefined,
    repeatable: true,
    parse: (texts) => {
      if (texts.includes("")) throw new Error("expected texts that are not empty");
      return texts;
    },
  };
}

export interface ForPrefix<T> {
  /** Of paths: "/live/cam-0001/". */
  prefix: string;
  value: T;
}

/** PATH=VALUE, may be given several times: a value for all paths that begin so. */
export function byPrefix<T>(
  common: { help: string },
  option: Option<T>,
): Option<readonly ForPrefix<T>[]> {
  const texts = list({ ...common, placeholder: `PATH=${option.placeholder}` });
  const parseOne = (text: string, from: string) => {
    const at = text.lastIndexOf("=");
    if (at < 1 || !text.startsWith("/"))
      throw new Error(`expected PATH=${option.placeholder}, such as /live/=...`);
    return { prefix: text.slice(0, at), value: option.parse([text.slice(at + 1)], from) };
  };
  return {
    ...texts,
    parse: (values, from) => texts.parse(values, from).map((text) => parseOne(text, from)),
  };
}

export interface Endpoint {
  /** A name for the endpoint, e.g. that of a neighbour. */
  name: string;
  host: string;
  port: number;
}

/** NAME=HOST:PORT, may be given several times. */
export function endpoints(common: { help: string }): Option<readonly Endpoint[]> {
  const texts = list({ ...common, placeholder: "NAME=HOST:PORT" });
  return { ...texts, parse: (values, from) => texts.parse(values, from).map(parseEndpoint) };
}

function parseEndpoint(value: string): Endpoint {
  const match = /^([^=]+)=(.+):(\d{1,5})$/.exec(value);
  if (!match || Number(match[3]) > 65_535) throw new Error(`expected NAME=HOST:PORT`);
  return { name: match[1]!, host: match[2]!, port: Number(match[3]) };
}

export interface NamedUrl {
  name: string;
  /** http or https, without a trailing slash. */
  url: string;
}

/** NAME=URL, may be given several times. */
export function urls(common: { help: string }): Option<readonly NamedUrl[]> {
  const texts = list({ ...common, placeholder: "NAME=URL" });
  return { ...texts, parse: (values, from) => texts.parse(values, from).map(parseNamedUrl) };
}

function parseNamedUrl(value: string): NamedUrl {
  const [, name, url] = /^([^=]+)=(https?:\/\/[^/?#]+)\/?$/.exec(value) ?? [];
  if (name === undefined || url === undefined || !URL.canParse(url))
    throw new Error("expected NAME=URL, such as edge-2=http://localhost:7472");
  return { name, url };
}
