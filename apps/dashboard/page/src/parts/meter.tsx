/** A bar of how full something is. `text` is what a screen reader says. */
export function Meter({ value, max, text }: { value: number; max: number; text: string }) {
  const part = max > 0 ? Math.min(1, value / max) : 0;
  const level = part >= 0.9 ? "is-full" : part >= 0.7 ? "is-high" : "";
  return (
    <div
      class={`meter ${level}`}
      role="meter"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(part * 100)}
      aria-label={text}
    >
      <span style={{ width: `${Math.max(part * 100, value > 0 ? 0.8 : 0)}%` }} />
    </div>
  );
}
