/** A program's settings, and the names by which they are given. */
import type { Option } from "./option.ts";

export type Spec = Readonly<Record<string, Option<unknown>>>;

export type ConfigOf<S extends Spec> = {
  readonly [K in keyof S]: S[K] extends Option<infer T> ? T : never;
};

export interface Program<S extends Spec> {
  /** Short, for logs: "camera". */
  name: string;
  /** As typed in a shell, e.g. "npm start --". */
  command: string;
  /** One sentence. */
  purpose: string;
  /** "GLASSLINE_CAMERA": the setting `dataDir` is read from GLASSLINE_CAMERA_DATA_DIR. */
  environmentPrefix: string;
  /** How bare words are called in `--help`, e.g. "[WORD...]"; undefined: none are taken. */
  words?: string;
  spec: S;
  /** The setting whose value, if it has one, is a SettingsFile. */
  file?: string;
}

/** dataDir -> --data-dir */
export function flagName(setting: string): string {
  return `--${setting.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** dataDir -> GLASSLINE_CAMERA_DATA_DIR */
export function environmentName(program: Program<Spec>, setting: string): string {
  return `${program.environmentPrefix}_${setting.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
