// Applies the theme that src/ui/theme.ts has stored before the first paint, so it is not part of the client itself.
{
  const theme = localStorage.getItem("talkwire.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
}
