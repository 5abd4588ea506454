const PERCENT_MAX = 100;

interface RangeStyle {
  /** A rate or anything close to zero begins at zero. */
  fromZero: boolean;
  unit: string | undefined;
}

/** The ends of a value axis, with some air around the values but none where no value can be. */
export function valueRange(
  least: number | null,
  greatest: number | null,
  { fromZero, unit }: RangeStyle,
): [low: number, high: number] {
  if (least === null || greatest === null) return [0, 1];
  const [low, high] = airedRange(fromZero ? Math.min(0, least) : least, greatest);
  const percent = unit === "%" && greatest <= PERCENT_MAX;
  return [least >= 0 ? Math.max(0, low) : low, percent ? Math.min(PERCENT_MAX, high) : high];
}

function airedRange(least: number, greatest: number): [low: number, high: number] {
  const span = greatest - least;
  const constant = span === 0 || span < Math.abs(greatest) * 1e-6;
  const air = constant ? Math.abs(greatest) * 0.1 || 1 : span * 0.08;
  return [least - air, greatest + air];
}
