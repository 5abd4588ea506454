/** Links of field networks, as their reports describe them, for simulations. Figures are those of the reports; what they leave out is a typical value. */
import { GYS } from "./decoy-bb84.ts";
import type { DecoyLink } from "./decoy-bb84.ts";

export interface LinkPreset extends DecoyLink {
  help: string;
  /** Of signal, decoy and vacuum pulses together, a second. */
  pulsesPerS: number;
}

const DETECTORS = { siftedShare: 0.5, inefficiency: 1.16, meanPhotons: 0.5 } as const;

export const PRESETS = {
  laboratory: {
    help: "10 km in a laboratory, 2004 (Gobby, Yuan and Shields)",
    ...GYS,
    lengthKm: 10,
    pulsesPerS: 2_000_000,
  },
  metro: {
    help: "25 km of fibre in a town, as in Cambridge (Dynes et al. 2019, https://doi.org/10.1038/s41534-019-0221-4)",
    ...DETECTORS,
    lengthKm: 25,
    dbPerKm: 0.2,
    receiverEfficiency: 0.2,
    darkCount: 1e-6,
    misalignment: 0.015,
    pulsesPerS: 1_000_000_000,
  },
  backbone: {
    help: "80 km between relays of a backbone, as from Beijing to Shanghai (Chen et al. 2021, https://doi.org/10.1038/s41586-020-03093-8)",
    ...DETECTORS,
    lengthKm: 80,
    dbPerKm: 0.2,
    receiverEfficiency: 0.1,
    darkCount: 1e-6,
    misalignment: 0.015,
    pulsesPerS: 625_000_000,
  },
} satisfies Readonly<Record<string, LinkPreset>>;

export type PresetName = keyof typeof PRESETS;
