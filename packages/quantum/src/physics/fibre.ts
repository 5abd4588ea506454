/** Light in fibre. */

/** Of standard single-mode fibre at 1550 nm. Source: ITU-T G.652, table 2. */
export const DB_PER_KM = 0.2;

/** Share of photons that arrive. */
export function transmittance(lengthKm: number, dbPerKm = DB_PER_KM): number {
  return 10 ** (-(lengthKm * dbPerKm) / 10);
}

/**
 * Most secret bits a use of a channel can give without a repeater: -log2(1 - eta). Infinite where nothing is lost.
 * @param eta share of photons that arrive.
 * Source: Pirandola, Laurenza, Ottaviani and Banchi 2017 (https://doi.org/10.1038/ncomms15043).
 */
export function plobBits(eta: number): number {
  return -Math.log1p(-eta) / Math.LN2;
}
