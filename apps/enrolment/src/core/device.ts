/** A device, and where it stands. Pure. */
import { DevicePhase } from "@glassline/proto/enrolment";

export interface DeviceRecord {
  /** The subject of its tokens. */
  id: string;
  channel: string;
  /** For people. */
  name: string;
  phase: "invited" | "enrolled" | "revoked";
  /** Unix milliseconds, since when. */
  sinceMs: number;
  /** Unix milliseconds: of its link, or of its newest token. */
  expiresMs: number;
}

export function phaseOf({ phase, expiresMs }: DeviceRecord, nowMs: number): DevicePhase {
  if (phase === "revoked") return DevicePhase.REVOKED;
  if (phase === "enrolled") return DevicePhase.ENROLLED;
  return nowMs < expiresMs ? DevicePhase.INVITED : DevicePhase.EXPIRED;
}
