/** The accessibility check that the browser tests share, and the smallest picture for uploads. */
import { createRequire } from "node:module";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** A PNG of one red pixel. */
export const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==",
  "base64",
);

/** What axe finds on a page; everything, however small. The page must be open with `bypassCSP`. */
export async function checkPage(page, where) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.addScriptTag({ path: AXE });
  const violations = await page.evaluate(async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const result = await globalThis.axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
    return result.violations.map(({ id, nodes }) => ({
      id,
      target: nodes[0].target,
      why: nodes[0].failureSummary,
    }));
  });
  return violations.map(({ id, target, why }) => `${where}: ${id} at ${target}: ${why}`);
}
