/** The end of the audit, which is kept by its beginning. */
import type { Desk } from "./desk.ts";
import type { AuditRow } from "./stores/audit.ts";

/** The newest lines, oldest first. */
export async function newestAudit(desk: Desk, count: number): Promise<readonly AuditRow[]> {
  const last = await lastSeq(desk);
  return desk.audit(Math.max(0, last - count), count);
}

/** The number of the last line, by halving: about twice as many questions as it has binary digits. 0: there is none. */
async function lastSeq(desk: Desk): Promise<number> {
  const isBehind = async (seq: number) => (await desk.audit(seq, 1)).length > 0;
  let [least, most] = [0, 1];
  while (await isBehind(most)) [least, most] = [most, 2 * most];
  if (!(await isBehind(least))) return least;
  // A line stands behind `least`, and none behind `most`.
  while (most - least > 1) {
    const middle = Math.floor((least + most) / 2);
    if (await isBehind(middle)) least = middle;
    else most = middle;
  }
  return most;
}
