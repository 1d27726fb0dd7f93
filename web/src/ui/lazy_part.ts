import { lazy } from "react";

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** React's `lazy` for a part that is loaded when it is first shown. Without the server, the part is shown later. */
export const lazyPart: typeof lazy = (load) => lazy(() => untilLoaded(load));

/** Repeats a failed load. React would remove the whole page with the first failure. */
async function untilLoaded<T>(load: () => Promise<T>): Promise<T> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      await reloadStyles();
      return await load();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

/** Loads the style sheets that have failed, since a repeated load of a part does not. Rejects when one fails again. */
async function reloadStyles(): Promise<void> {
  const links = document.querySelectorAll<HTMLLinkElement>("link[rel=stylesheet][data-failed]");
  await Promise.all([...links].map(reloaded));
}

function reloaded(link: HTMLLinkElement): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = link.cloneNode() as HTMLLinkElement;
    next.onload = () => {
      delete next.dataset.failed;
      resolve();
    };
    next.onerror = () => reject(new Error(`${next.href} cannot be loaded`));
    link.replaceWith(next);
  });
}

// Errors of elements do not bubble.
addEventListener(
  "error",
  ({ target }) => {
    if (target instanceof HTMLLinkElement && target.rel === "stylesheet") target.dataset.failed = "";
  },
  true,
);
