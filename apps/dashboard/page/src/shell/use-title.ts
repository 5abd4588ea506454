import { useEffect } from "preact/hooks";

import { outagesNow, useOverview } from "./overview.ts";

/** Sets the title of the window; an outage comes first, for those who only see the tab. */
export function useTitle(title: string): void {
  const away = awayText(outagesNow(useOverview()).map(({ name }) => name));
  const text = `${away && `⚠ ${away} · `}${title} · Glassline`;
  useEffect(() => {
    document.title = text;
  }, [text]);
}

function awayText(names: readonly string[]): string {
  if (names.length === 0) return "";
  return names.length === 1 ? `${names[0]} away` : `${names.length} services away`;
}
