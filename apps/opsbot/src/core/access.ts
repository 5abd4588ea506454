/** Who may do what. Pure. */
import type { AccessRole, Change } from "../desk.ts";

const RANK: Readonly<Record<AccessRole, number>> = { viewer: 0, operator: 1, admin: 2 };

/** Of the kill switch: whoever may change something may stop everything. */
export const STOP_ROLE: AccessRole = "operator";

export function roleFor({ kind }: Change): AccessRole {
  return kind === "approve" || kind === "continue" ? "admin" : "operator";
}

export function mayAct(role: AccessRole, needed: AccessRole): boolean {
  return RANK[role] >= RANK[needed];
}
