import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";

/** Charts are filled a little before they scroll into view. */
const MARGIN = "160px 0px";

/** Whether an element is in view, or nearly. */
export function useInView(element: RefObject<Element | null>): boolean {
  const [inView, setInView] = useState(false);
  useEffect(() => {
    const observer = new IntersectionObserver(
      (entries) => setInView(entries.at(-1)?.isIntersecting ?? false),
      { rootMargin: MARGIN },
    );
    observer.observe(element.current!);
    return () => observer.disconnect();
  }, []);
  return inView;
}
