/** Says that the client does not start, in the place where the page's HTML says so to readers without scripts. */
export function showUnstarted(text: string, reload: string): void {
  document.documentElement.dataset.unstarted = "";
  const place = document.querySelector(".unstarted");
  place?.querySelector("p")?.replaceChildren(text);
  place?.querySelector("a")?.replaceChildren(reload);
}
