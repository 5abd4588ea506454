/** Keeps the allow-list of segments in nftables, where nftables is there. */
import { messageOf } from "@glassline/service/errors";

import type { Admitted } from "../core/allow-list.ts";
import { allowList } from "../core/allow-list.ts";
import type { NetworkPrograms } from "./network-programs.ts";

export interface Guarded {
  /** Strangers are kept out. */
  isOn: boolean;
  /** Empty: none; also where nftables is not there. */
  problem: string;
  changes: number;
}

/** @returns what makes the table as it shall be: without a change when it is so already. */
export function guardOf(programs: NetworkPrograms, table: () => string, mesh: () => string) {
  /** What was asked for the last time, and how nftables then showed it. */
  let asked = "";
  let shown: string | undefined;

  const show = (name: string) =>
    programs.nft(["--stateless", "list", "table", "inet", name]).catch(() => "");

  return async (port: number, segments: readonly Admitted[]): Promise<Guarded> => {
    const name = table();
    const wanted = allowList(name, port, segments, mesh());
    const is = await show(name);
    if (is === undefined) return { isOn: false, problem: "", changes: 0 };
    const isOn = segments.length > 0;
    if (isOn ? is === shown && wanted === asked : is === "")
      return { isOn, problem: "", changes: 0 };
    try {
      await programs.nft(["--file", "-"], wanted);
      [asked, shown] = [wanted, await show(name)];
      return { isOn, problem: "", changes: 1 };
    } catch (error) {
      return { isOn: false, problem: messageOf(error), changes: 1 };
    }
  };
}
