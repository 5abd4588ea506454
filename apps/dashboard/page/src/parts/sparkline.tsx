const WIDTH = 120;
const HEIGHT = 26;
/** Fewer values do not fill the width: two points are no trend yet. */
const SLOTS_MIN = 20;

/** A small line without axes, from the oldest value to the newest. */
export function Sparkline({ values }: { values: number[] }) {
  if (values.length < 2)
    return <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" />;
  const slots = Math.max(SLOTS_MIN, values.length);
  const greatest = Math.max(...values, 1e-9);
  const points = values.map((value, index) => {
    const x = WIDTH - ((values.length - 1 - index) * WIDTH) / (slots - 1);
    return [x, HEIGHT - 2 - (value / greatest) * (HEIGHT - 5)] as const;
  });
  const line = points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");
  const first = points[0]![0].toFixed(1);
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <path class="ground" d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} />
      <path class="area" d={`M${first} ${HEIGHT}L${line}L${WIDTH} ${HEIGHT}Z`} />
      <path class="line" d={`M${line}`} />
    </svg>
  );
}
