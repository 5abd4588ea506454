const SIDEWAYS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1 };
const UPRIGHT: Readonly<Record<string, number>> = { ArrowUp: -1, ArrowDown: 1 };

/** Arrow keys move between the links of a grid, so that 2,000 cameras need not be tabbed through. */
export function moveFocus(event: KeyboardEvent): void {
  const grid = event.currentTarget as HTMLElement;
  const links = [...grid.querySelectorAll<HTMLElement>("a")];
  const from = links.indexOf(document.activeElement as HTMLElement);
  const step = SIDEWAYS[event.key] ?? (UPRIGHT[event.key] ?? 0) * columnCount(links);
  const target = from < 0 || step === 0 ? undefined : links[from + step];
  if (!target) return;
  event.preventDefault();
  target.focus();
}

function columnCount(links: readonly HTMLElement[]): number {
  const top = links[0]?.offsetTop;
  const second = links.findIndex((link) => link.offsetTop !== top);
  return second < 0 ? links.length : second;
}
