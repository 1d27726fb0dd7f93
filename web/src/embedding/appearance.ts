/** The appearance that a page around the frame chooses: `?theme=dark&compact`. `public/theme.js` applies it first. */

import { useSyncExternalStore } from "react";
import { giveTheme } from "../ui/page/theme";
import type { HostOptions } from "./host";

const COMPACT_CHANGED = "talkwire:compact";

/** Returns whether the page shows one conversation, without the list. */
export function useCompact(): boolean {
  return useSyncExternalStore(subscribe, isCompact);
}

export function isCompact(): boolean {
  return document.documentElement.dataset.compact !== undefined;
}

/** Applies what the host has changed. */
export function applyAppearance({ theme, compact }: HostOptions): void {
  if (typeof theme === "string") giveTheme(theme);
  if (typeof compact !== "boolean" || compact === isCompact()) return;
  if (compact) document.documentElement.dataset.compact = "";
  else delete document.documentElement.dataset.compact;
  dispatchEvent(new Event(COMPACT_CHANGED));
}

function subscribe(changed: () => void): () => void {
  addEventListener(COMPACT_CHANGED, changed);
  return () => removeEventListener(COMPACT_CHANGED, changed);
}
