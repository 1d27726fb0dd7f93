import { randomId } from "@talkwire/client/parts";

const STORAGE_KEY = "talkwire.tab";

let id: string | undefined;

/**
 * Returns the id of this tab, which a reload keeps. The id is stored only while no page of the tab is shown, since a
 * duplicate of a tab starts with a copy of its storage.
 */
export function tabId(): string {
  if (id !== undefined) return id;
  const own = take() ?? randomId();
  id = own;
  addEventListener("pagehide", () => {
    try {
      sessionStorage.setItem(STORAGE_KEY, own);
    } catch {
      // The page after the reload is a tab of its own, and gets the newest draft.
    }
  });
  addEventListener("pageshow", take);
  return own;
}

function take(): string | null {
  const stored = sessionStorage.getItem(STORAGE_KEY);
  sessionStorage.removeItem(STORAGE_KEY);
  return stored;
}
