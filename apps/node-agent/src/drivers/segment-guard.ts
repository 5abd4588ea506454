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

  /** @param seen what the same pass has found and done already: it is not looked at twice. */
  return async (port: number, segments: readonly Admitted[], seen?: Guarded): Promise<Guarded> => {
    const name = table();
    const wanted = allowList(name, port, segments, mesh());
    if (seen?.isOn && wanted === asked) {
      shown ??= await show(name);
      return { ...seen, changes: 0 };
    }
    const isOn = segments.length > 0;
    if (wanted === asked || !isOn) {
      const is = await show(name);
      if (is === undefined) return { isOn: false, problem: "", changes: 0 };
      if (isOn ? is === shown : is === "") return { isOn, problem: "", changes: 0 };
    }
    try {
      if ((await programs.nft(["--file", "-"], wanted)) === undefined)
        return { isOn: false, problem: "", changes: 0 };
      // How it is shown is asked later in the pass: what waits for the list waits no longer than it must.
      [asked, shown] = [wanted, undefined];
      return { isOn, problem: "", changes: 1 };
    } catch (error) {
      return { isOn: false, problem: messageOf(error), changes: 1 };
    }
  };
}
