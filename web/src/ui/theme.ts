/** The theme that the reader has chosen, for all tabs of this browser. */

export type Theme = "system" | "light" | "dark";

export const THEMES: readonly Theme[] = ["system", "light", "dark"];

/** `public/theme.js` reads it too, before the first paint. */
const STORAGE_KEY = "talkwire.theme";

export function themeOf(stored: string | null): Theme {
  return THEMES.find((theme) => theme === stored) ?? "system";
}

export function readTheme(): Theme {
  return themeOf(localStorage.getItem(STORAGE_KEY));
}

export function chooseTheme(theme: Theme): void {
  if (theme === "system") localStorage.removeItem(STORAGE_KEY);
  else localStorage.setItem(STORAGE_KEY, theme);
  show(theme);
}

/** Follows the choice made in other tabs. */
export function followTheme(): void {
  addEventListener("storage", ({ key }) => {
    if (key === STORAGE_KEY || key === null) show(readTheme());
  });
}

function show(theme: Theme): void {
  // `base.css` defines the themes; without one it follows the system.
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
