import { useEffect, useState } from "preact/hooks";

const query = matchMedia("(max-width: 900px)");

/** Whether the screen is as narrow as a phone or a small tablet; the style sheets change at the same width. */
export function useNarrow(): boolean {
  const [narrow, setNarrow] = useState(query.matches);
  useEffect(() => {
    const onChange = (): void => setNarrow(query.matches);
    query.addEventListener("change", onChange);
    return () => query.removeEventListener("change", onChange);
  }, []);
  return narrow;
}
