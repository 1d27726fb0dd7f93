import { brandTexts } from "../branding";
import { localeOf } from "../languages/languages";
import { setLocale } from "../languages/locale";
import { texts } from "../texts";
import { followTheme } from "../ui/page/theme";
import { showUnstarted } from "../ui/page/unstarted";

async function start(): Promise<void> {
  const root = document.getElementById("root");
  if (root === null) throw new Error("the page has no place for the console");
  followTheme();
  // The texts are in English, with times and numbers as the reader's region writes them.
  setLocale(localeOf("en", navigator.languages));
  brandTexts();
  // Not before, because its modules use the locale as soon as they are loaded.
  const { show } = await import("./show");
  show(root);
}

start().catch((error: unknown) => {
  showUnstarted(texts.parts.page, texts.parts.reload);
  throw error;
});
