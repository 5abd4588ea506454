import { pino } from "pino";

export type { Logger } from "pino";

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Keys whose values never reach a log, at the top or one level down. */
const SECRETS = ["token", "authorization", "password", "privateKey", "keyPem", "headers"];

/** JSON lines on standard output, written at once: a process that is killed has said what it knew. */
export function createLogger(app: string, level: LogLevel, instance?: string) {
  return pino(
    {
      level,
      base: { app, ...(instance !== undefined && { instance }) },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: SECRETS.flatMap((key) => [key, `*.${key}`]),
    },
    pino.destination({ fd: 1, sync: true }),
  );
}
