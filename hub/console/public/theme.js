// Sets the chosen colours before the first paint, so that a dark room is never lit by a white flash.
// The same key is written by src/logic/settings.ts.
try {
  const chosen = localStorage.getItem("gridwatch.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be forbidden; the colours then follow the system.
}
