/** What the OpsBot that dies is told by its environment. */

/** "commit 3 before"; empty: it does not die. */
export const DIE_AT = "GLASSLINE_TORTURE_DIE_AT";
/** File to which boundaries are added as they are reached. */
export const REACHED = "GLASSLINE_TORTURE_REACHED";
