/** What enrolment takes of a channel: for those who describe one, too. */
const DAY_MS = 86_400_000;

/** On the home screen, it is cut to what fits. */
export const TITLE_MAX_CHARS = 64;
/** Of other texts of one line. */
export const LINE_MAX_CHARS = 100;
export const DESCRIPTION_MAX_CHARS = 1_000;
export const CONSENT_MAX_CHARS = 10_000;
export const EDGES_MAX = 16;
export const LIFETIME_LEAST_MS = 60_000;
/** What edges take: `LIFETIME_MAX_S` of their tokens. */
export const TOKEN_LIFETIME_MAX_MS = 31 * DAY_MS;
export const LINK_LIFETIME_MAX_MS = 31 * DAY_MS;
export const PATH_MAX_CHARS = 128;
/** Of a playlist in a folder. */
export const PATH = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*){2,}$/;
/** In the folder of secrets, and nowhere else. */
export const FILE_NAME = /^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
/** IEEE 802.11, section 9.4.2.2. */
export const SSID_MAX_BYTES = 32;
/** Lines and controls, also those that change the direction of what follows. */
export const NOT_IN_A_LINE = /[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u;
