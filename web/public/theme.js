// Applies the appearance before the first paint, so it is not part of the client itself: the theme and `compact` of the
// address, which src/embedding/appearance.ts describes, or the theme that src/ui/theme.ts has stored.
{
  const given = new URLSearchParams(location.search);
  let theme = given.get("theme");
  try {
    theme ??= localStorage.getItem("talkwire.theme");
  } catch {
    // The browser refuses storage.
  }
  if (theme === "light" || theme === "dark") {
    document.documentElement.dataset.theme = theme;
    for (const color of document.querySelectorAll("meta[name=theme-color]"))
      color.media = color.dataset.theme === theme ? "all" : "not all";
  }
  if (given.has("compact")) document.documentElement.dataset.compact = "";
}

// Loads the chat together with the page where somebody is signed in (preloaded.ts), before the page can look.
try {
  if ("talkwire.session" in sessionStorage || "talkwire.session" in localStorage)
    for (const link of document.querySelectorAll("link[data-rel]")) link.rel = link.dataset.rel;
} catch {
  // The browser refuses storage.
}

// Shows what unstarted.css describes as soon as a script fails. Errors of elements do not bubble.
addEventListener(
  "error",
  ({ target }) => {
    if (target instanceof HTMLScriptElement) document.documentElement.dataset.unstarted = "";
  },
  true,
);
// The link alone would leave the conversation in the address.
addEventListener("click", (event) => {
  if (!(event.target instanceof Element) || event.target.closest(".unstarted a") === null) return;
  event.preventDefault();
  location.reload();
});
