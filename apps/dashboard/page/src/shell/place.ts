import { useEffect, useState } from "preact/hooks";

const listeners = new Set<() => void>();
const scrollByPath = new Map<string, number>();
let shownPath = location.pathname;

/** The path of the address, kept up to date. */
export function usePath(): string {
  const [path, setPath] = useState(location.pathname);
  useEffect(() => {
    const onChange = (): void => setPath(location.pathname);
    listeners.add(onChange);
    return () => void listeners.delete(onChange);
  }, []);
  return path;
}

/** The address of a camera's page. */
export function cameraPath(cameraId: string): string {
  return `/cameras/${encodeURIComponent(cameraId)}`;
}

/** Goes to a path of this page. */
export function navigate(href: string): void {
  scrollByPath.set(location.pathname, scrollY);
  history.pushState(null, "", href);
  show();
  scrollTo(0, 0);
  focusMain();
}

/** Makes plain links navigate within the page; modified clicks and other origins stay the browser's. */
export function startNavigation(): void {
  history.scrollRestoration = "manual";
  addEventListener("popstate", () => {
    // A link to a group of the same page comes here too, and the browser has scrolled to it already.
    if (location.pathname === shownPath) return;
    show();
    restoreScroll();
  });
  document.addEventListener("click", (event) => {
    const link = (event.target as Element).closest?.("a[href]");
    if (!(link instanceof HTMLAnchorElement) || !isOurs(event, link)) return;
    event.preventDefault();
    navigate(link.href);
  });
}

function show(): void {
  shownPath = location.pathname;
  for (const listener of listeners) listener();
}

function isOurs(event: MouseEvent, link: HTMLAnchorElement): boolean {
  const modified =
    event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
  if (modified || event.defaultPrevented || link.target || link.origin !== location.origin)
    return false;
  return !(link.hash && link.pathname === location.pathname);
}

function focusMain(): void {
  // After the new page is in place, so that a screen reader begins there.
  requestAnimationFrame(() => document.querySelector("main")?.focus({ preventScroll: true }));
}

function restoreScroll(): void {
  const top = scrollByPath.get(location.pathname) ?? 0;
  // Two frames: one to render the page, one to lay it out.
  requestAnimationFrame(() => requestAnimationFrame(() => scrollTo(0, top)));
}
