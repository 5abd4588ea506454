// Runs before the first paint, so that a stored choice does not flash the other theme.
try {
  const theme = localStorage.getItem("glassline.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden: the system's preference holds.
}
