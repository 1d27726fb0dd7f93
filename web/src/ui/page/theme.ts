/** The theme that the reader has chosen, for all tabs of this browser. */

export type Theme = "system" | "light" | "dark";

export const THEMES: readonly Theme[] = ["system", "light", "dark"];

/** `public/theme.js` reads it too, before the first paint. */
const STORAGE_KEY = "talkwire.theme";

/** The theme of the page around the frame, or of the address; null: none, so the stored one applies. */
let given: string | null = null;

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

/** Shows the theme that the page around the frame has chosen, whatever is stored. */
export function giveTheme(theme: string): void {
  given = theme;
  show(themeOf(theme));
}

/** Follows the choice made in other tabs. */
export function followTheme(): void {
  given = new URLSearchParams(location.search).get("theme");
  addEventListener("storage", ({ key }) => {
    if (given === null && (key === STORAGE_KEY || key === null)) show(readTheme());
  });
}

function show(theme: Theme): void {
  // `base.css` defines the themes; without one it follows the system.
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  for (const color of document.querySelectorAll<HTMLMetaElement>("meta[name=theme-color]"))
    color.media = mediaOf(color.dataset.theme, theme);
}

/** Returns when the browser uses a colour for what is around the page. */
function mediaOf(ofTheme: string | undefined, chosen: Theme): string {
  if (chosen === "system") return `(prefers-color-scheme: ${ofTheme})`;
  return ofTheme === chosen ? "all" : "not all";
}
