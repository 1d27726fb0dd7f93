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
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  if (given.has("compact")) document.documentElement.dataset.compact = "";
}
