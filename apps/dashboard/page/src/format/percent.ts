/** "98.4 %" of 0.984; "100 %" only when it is that. */
export function percentText(ratio: number | undefined): string {
  if (ratio === undefined) return "–";
  if (ratio === 0 || ratio === 1) return `${ratio * 100} %`;
  return `${Math.min(99.9, ratio * 100).toFixed(1)} %`;
}
