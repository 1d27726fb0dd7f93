import "./embedding/storage_fallback";
import { brandTexts } from "./branding";
import { isFramed } from "./embedding/framed";
import { startLanguage } from "./languages/start_language";
import { prepareServiceWorker } from "./service_worker_registration";
import { texts } from "./texts";
import { followTheme } from "./ui/page/theme";
import { showUnstarted } from "./ui/page/unstarted";

async function start(): Promise<void> {
  const root = document.getElementById("root");
  if (root === null) throw new Error("the page has no place for the client");
  followTheme();
  // In a frame it would only serve the frames of the same application.
  if (!isFramed) prepareServiceWorker();
  await startLanguage();
  brandTexts();
  // Not before, because its modules use the texts as soon as they are loaded.
  const { show } = await import("./ui/show");
  show(root);
}

start().catch((error: unknown) => {
  showUnstarted(texts.parts.page, texts.parts.reload);
  throw error;
});
