/**
 * `npm run test:browser`: runs the browser tests against the development mock, or against the hub at
 * GRIDWATCH_URL with GRIDWATCH_USER and GRIDWATCH_PASSWORD. Needs a build (`npm run build`).
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

if (!process.env.GRIDWATCH_URL && !existsSync(here("../dist/index.html"))) {
  console.error("no build to test: run `npm run build` first");
  process.exit(1);
}
/** These start what they need, a hub of their own among it. */
const alone = ["main-tasks", "keys", "storm", "hostile", "hostile-phone"];
const files = [
  "board",
  ...(process.env.GRIDWATCH_URL ? [] : alone),
  "pages",
  "phone",
  "evidence",
  "sheet",
  "wall",
  "map",
  "supervision",
  "children",
  "admin",
  "rosters",
  "calendar",
  "devices",
  "together",
  "many",
].map((name) => here(`./${name}.test.mjs`));
const child = spawn(
  process.execPath,
  ["--test", "--test-concurrency=2", "--test-timeout=600000", "--test-force-exit", ...files],
  { stdio: "inherit" },
);
child.on("exit", (code) => process.exit(code ?? 1));
