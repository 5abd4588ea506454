/** Entangled pairs between key managers: over a fibre, or over the best way of a network of repeaters, which a file describes. */
import { readFile } from "node:fs/promises";

import type { EntangledLink, Repeaters } from "@glassline/quantum/physics/entanglement-paths";
import { bestEntanglementPath } from "@glassline/quantum/physics/entanglement-paths";
import type { DecoyLink } from "@glassline/quantum/physics/decoy-bb84";
import { transmittance } from "@glassline/quantum/physics/fibre";
import { OperatorError, messageOf } from "@glassline/service/errors";

import type { KmeConfig } from "./config.ts";
import type { PairLink } from "./link/light-source.ts";

export interface Network extends Repeaters {
  links: readonly EntangledLink[];
}

const LINKS_MAX = 200;
const ROUNDS_MAX = 8;

/** Throws OperatorError. @param fibre of a link without repeaters. */
export async function pairLink(
  peer: string,
  { name, repeaters, fidelity, frame, frameInterval }: KmeConfig,
  fibre: DecoyLink,
): Promise<PairLink> {
  if (repeaters === "") {
    const { lengthKm, dbPerKm, receiverEfficiency } = fibre;
    const share = transmittance(lengthKm, dbPerKm) * receiverEfficiency;
    return { share, fidelity, path: [name, peer] };
  }
  const network = readNetwork(await textOf(repeaters), repeaters);
  const way = bestEntanglementPath(network.links, name, peer, network);
  if (!way)
    throw new OperatorError(
      `--repeaters ${repeaters}: got no way from ${name} to ${peer} that gives any key, expected one`,
    );
  const attemptsPerS = (1_000 * frame) / frameInterval;
  return {
    share: Math.min(1, way.pairsPerS / attemptsPerS),
    fidelity: way.fidelity,
    path: way.nodes,
  };
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new OperatorError(`--repeaters: ${messageOf(error)}`, { cause: error });
  }
}

/** Throws OperatorError. @param path for people. */
export function readNetwork(text: string, path: string): Network {
  const fail = (what: string, got: unknown, expected: string) =>
    new OperatorError(
      `--repeaters ${path}: ${what}: got ${JSON.stringify(got)?.slice(0, 60) ?? "none"}, expected ${expected}`,
    );
  const objectOf = (value: unknown, what: string): Record<string, unknown> => {
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
    throw fail(what, value, "an object");
  };
  const numberOf = (value: unknown, what: string, least: number, most: number): number => {
    if (typeof value === "number" && value >= least && value <= most) return value;
    throw fail(what, value, `a number from ${least} to ${most}`);
  };
  const linkOf = (value: unknown, at: number): EntangledLink => {
    const what = `links[${at}]`;
    const { between, pairsPerS, fidelity } = objectOf(value, what);
    const isPair =
      Array.isArray(between) &&
      between.length === 2 &&
      between.every((one) => typeof one === "string" && one !== "") &&
      between[0] !== between[1];
    if (!isPair) throw fail(`${what}.between`, between, "two names");
    return {
      between: between as unknown as [string, string],
      pairsPerS: numberOf(pairsPerS, `${what}.pairsPerS`, 1e-6, 1e12),
      fidelity: numberOf(fidelity, `${what}.fidelity`, 0.25, 1),
    };
  };
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch (error) {
    throw new OperatorError(`--repeaters ${path}: ${messageOf(error)}`, { cause: error });
  }
  const file = objectOf(read, "the file");
  const { links, swapSuccess = 1, coherenceS = 1, purifications = 0 } = file;
  if (!Array.isArray(links) || links.length === 0 || links.length > LINKS_MAX)
    throw fail("links", links, `a list of 1 to ${LINKS_MAX}`);
  return {
    links: links.map(linkOf),
    swapSuccess: numberOf(swapSuccess, "swapSuccess", 1e-6, 1),
    coherenceS: numberOf(coherenceS, "coherenceS", 1e-6, 1e6),
    purifications: Math.floor(numberOf(purifications, "purifications", 0, ROUNDS_MAX)),
  };
}
