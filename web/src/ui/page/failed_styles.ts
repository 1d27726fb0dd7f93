/** Style sheets of parts of the page. A repeated load of a part does not load them again. */

/** Loads the style sheets that have failed. Rejects when one fails again. */
export async function reloadStyles(): Promise<void> {
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
