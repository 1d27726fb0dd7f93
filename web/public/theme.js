// Before the first paint, and so not part of the client itself: what the reader chose in src/ui/theme.ts.
{
  const theme = localStorage.getItem("talkwire.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
}
