/** How far targets have acknowledged the log, durably. */
import type { SignalName } from "../core/otlp-items.ts";
import { SIGNAL_NAMES } from "../core/otlp-items.ts";

/** By signal: index of the last record of the log that needs not be sent any more. */
export type Positions = Record<SignalName, number>;

export interface PositionStore {
  /** Undefined when the exporter has none yet. Fails with OperatorError when what is there is no position. */
  read(exporter: string): Promise<Positions | undefined>;
  /** Resolves when they are durable. Calls for one exporter must not overlap. */
  write(exporter: string, positions: Positions): Promise<void>;
}

export const formatPositions = (positions: Positions): string => `${JSON.stringify(positions)}\n`;

/** Undefined when the text is no positions. */
export function parsePositions(text: string): Positions | undefined {
  try {
    const value = JSON.parse(text) as Partial<Positions>;
    const isWhole = SIGNAL_NAMES.every((name) => Number.isSafeInteger(value[name]));
    return isWhole ? (value as Positions) : undefined;
  } catch {
    return undefined;
  }
}
