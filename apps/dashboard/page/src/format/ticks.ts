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
/** More decimals of a minute, an hour or a day than this say less than a clock does. */
const DURATION_MAX_DECIMALS = 2;
const AS_IS: Scale = { divisor: 1, suffix: "" };

/** Texts for the ticks of a value axis: one scale for all, and as many decimals as the step between two needs. */
export function tickTexts(ticks: readonly number[], step: number, unit: string): string[] {
  const scale = scaleOf(Math.max(...ticks.map(Math.abs)), unit);
  const decimals = decimalsOf(step / scale.divisor);
  if (unit === "s" && scale.divisor >= 60 && decimals > DURATION_MAX_DECIMALS)
    return ticks.map((tick) => (tick === 0 ? "0" : clockText(tick, step)));
  return ticks.map((tick) =>
    tick === 0 ? "0" : `${(tick / scale.divisor).toFixed(decimals)}${scale.suffix}`,
  );
}

/** "2 d 4:26", "0:08:20": a long duration, as finely as the step needs. */
function clockText(tick: number, step: number): string {
  const decimals = decimalsOf(step);
  // Ticks are sums of steps: 119.99… would lose a minute.
  const size = Number(Math.abs(tick).toFixed(decimals));
  const days = Math.floor(size / 86_400);
  const hours = Math.floor((size % 86_400) / 3_600);
  const minutes = String(Math.floor((size % 3_600) / 60)).padStart(2, "0");
  const seconds = (size % 60).toFixed(decimals).padStart(decimals === 0 ? 2 : 3 + decimals, "0");
  const clock = `${hours}:${minutes}${step % 60 === 0 ? "" : `:${seconds}`}`;
  return `${tick < 0 ? "-" : ""}${days > 0 ? `${days} d ` : ""}${clock}`;
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
