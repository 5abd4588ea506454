/**
 * Machines on one bridge, of which any two hear each other only while they are joined: links of a shape that can change at any moment, and end without
 * a word. Needs root and nftables.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";

import type { Underlay } from "@glassline/bench/namespaces/testing";

/** Numbers of two machines, from 1 on. */
export type Pair = readonly [number, number];

export class Medium {
  readonly #underlay: Underlay;

  private constructor(underlay: Underlay) {
    this.#underlay = underlay;
  }

  /** None hears another one. */
  static async on(underlay: Underlay): Promise<Medium> {
    const medium = new Medium(underlay);
    await medium.#nft(`table bridge rig {
      set joined { type ifname . ifname; }
      chain forward { type filter hook forward priority 0; policy drop; iifname . oifname @joined accept; }
    }`);
    return medium;
  }

  join(pairs: readonly Pair[]): Promise<void> {
    return this.#change("add", pairs);
  }

  part(pairs: readonly Pair[]): Promise<void> {
    return this.#change("delete", pairs);
  }

  /** At one moment. */
  async #change(verb: "add" | "delete", pairs: readonly Pair[]): Promise<void> {
    if (pairs.length === 0) return;
    const elements = pairs.flatMap(([a, b]) => [
      `"port${a}" . "port${b}"`,
      `"port${b}" . "port${a}"`,
    ]);
    await this.#nft(`${verb} element bridge rig joined { ${elements.join(", ")} }`);
  }

  async #nft(text: string): Promise<void> {
    const [program = "nft", ...words] = [...this.#underlay.launcher, "nft", "-f", "-"];
    const child = spawn(program, words, { stdio: ["pipe", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    child.stdin.end(text);
    const [code] = (await once(child, "close")) as [number];
    if (code !== 0) throw new Error(`nft: ${said}`);
  }
}
