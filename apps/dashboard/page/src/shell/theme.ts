import { useEffect, useState } from "preact/hooks";

export type Theme = "light" | "dark";

const STORAGE_KEY = "glassline.theme";
/** As --ground. */
const THEME_COLORS: Readonly<Record<Theme, string>> = { light: "#f5f6f8", dark: "#0e1216" };
const CHANGED = "glassline-theme";
const systemDark = matchMedia("(prefers-color-scheme: dark)");

/** The theme in use: the stored choice, or else the system's. */
export function currentTheme(): Theme {
  const chosen = document.documentElement.dataset["theme"];
  if (chosen === "light" || chosen === "dark") return chosen;
  return systemDark.matches ? "dark" : "light";
}

/** Chooses a theme and remembers it. */
export function chooseTheme(theme: Theme): void {
  document.documentElement.dataset["theme"] = theme;
  try {
    localStorage.setItem(STORAGE_KEY, theme);
  } catch {
    // Storage may be forbidden: the choice holds until the page is closed.
  }
  showThemeColor();
  dispatchEvent(new Event(CHANGED));
}

/** Colours the browser's own bar by the chosen theme; without a choice the page's meta elements follow the system. */
export function showThemeColor(): void {
  const chosen = document.documentElement.dataset["theme"];
  if (chosen !== "light" && chosen !== "dark") return;
  for (const meta of document.querySelectorAll<HTMLMetaElement>("meta[name=theme-color]"))
    meta.content = THEME_COLORS[chosen];
}

/** The theme in use, kept up to date. */
export function useTheme(): Theme {
  const [theme, setTheme] = useState(currentTheme);
  useEffect(() => {
    const onChange = (): void => setTheme(currentTheme());
    addEventListener(CHANGED, onChange);
    systemDark.addEventListener("change", onChange);
    return () => {
      removeEventListener(CHANGED, onChange);
      systemDark.removeEventListener("change", onChange);
    };
  }, []);
  return theme;
}

/** The value of a colour token, e.g. "--line", as a canvas understands it. */
export function colorOf(token: string): string {
  // A canvas cannot resolve light-dark(): an element's computed colour can.
  const probe = document.createElement("span");
  probe.style.color = `var(${token})`;
  document.body.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}
