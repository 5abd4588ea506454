/** How large a test load may be, whoever asks for it. Pure. */

export const PLAYERS_MAX = 1_000;
export const VALIDATION_MAX_MS = 3_600_000;
