interface Scale {
  divisor: number;
  suffix: string;
}

const DECIMAL: readonly Scale[] = [
  { divisor: 1e9, suffix: "G" },
  { divisor: 1e6, suffix: "M" },
  { divisor: 1e4, suffix: "k" },
];
const SECONDS: readonly Scale[] = [
  { divisor: 86_400, suffix: " d" },
  { divisor: 3_600, suffix: " h" },
  { divisor: 120, suffix: " min" },
  { divisor: 1, suffix: " s" },
  { divisor: 1e-3, suffix: " ms" },
  { divisor: 1e-6, suffix: " µs" },
];
const AS_IS: Scale = { divisor: 1, suffix: "" };

/** Texts for the ticks of a value axis: one scale for all, and as many decimals as the step between two needs. */
export function tickTexts(ticks: readonly number[], step: number, unit: string): string[] {
  const scale = scaleOf(Math.max(...ticks.map(Math.abs)), unit);
  const decimals = decimalsOf(step / scale.divisor);
  return ticks.map((tick) =>
    tick === 0 ? "0" : `${(tick / scale.divisor).toFixed(decimals)}${scale.suffix}`,
  );
}

function scaleOf(greatest: number, unit: string): Scale {
  const scale =
    (unit === "s" ? SECONDS : DECIMAL).find(({ divisor }) => greatest >= divisor) ?? AS_IS;
  // A scale begins where it reads well (10k, 120 s), which is not always where its unit does.
  if (scale.suffix === "k") return { ...scale, divisor: 1e3 };
  return scale.suffix === " min" ? { ...scale, divisor: 60 } : scale;
}

function decimalsOf(step: number): number {
  for (let decimals = 0; decimals < 6; decimals++) {
    const scaled = step * 10 ** decimals;
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6 * scaled) return decimals;
  }
  return 3;
}
