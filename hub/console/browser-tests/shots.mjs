/**
 * Takes a picture of every page in both widths, both languages and both colours, for people to look at:
 * `node browser-tests/shots.mjs`. The pictures are in browser-tests/output/.
 */
import {
  closeBrowser,
  NARROW,
  OUTPUT,
  openBrowser,
  openHub,
  openPage,
  REAL,
  signIn,
  visit,
  WIDE,
} from "./browser.mjs";

const PAGES = [
  ["board", "/", ".board"],
  ["case", "/cases/1", ".case-head"],
  ["drill", "/cases/8", ".drill-band"],
  ["devices", "/devices", ".gateways"],
  ["gateway", "/devices/gw-lihu-1", ".table"],
];

/** Pictures of all pages in one look; `check` may look at each page too and gives its findings. */
export async function shoot(url, { viewport, width, locale, colorScheme }, check) {
  const bypassCSP = check !== undefined;
  const { page, context, faults } = await openPage(url, { viewport, locale, colorScheme, bypassCSP });
  const look = async (name) => {
    if (check) faults.push(...(await check(page, `${name} ${width} ${colorScheme}`)));
  };
  const file = (name) => `${OUTPUT}${name}-${width}-${locale.slice(0, 2)}-${colorScheme}.png`;
  await page.goto(url);
  await page.locator(".sign-in-form").waitFor();
  await page.screenshot({ path: file("sign-in") });
  await look("sign-in");
  await signIn(page, url);
  for (const [name, path, ready] of PAGES) {
    if (REAL !== null && name !== "board" && name !== "devices") continue;
    await visit(page, path);
    await page.locator(ready).first().waitFor();
    if (name === "case" || name === "drill") await page.locator(".chart-box canvas").first().waitFor();
    await page.screenshot({ path: file(name), fullPage: name !== "board" });
    await look(name);
  }
  await context.close();
  return faults;
}

export const LOOKS = [];
for (const [width, viewport] of [
  ["1440", WIDE],
  ["390", NARROW],
]) {
  for (const locale of ["zh-CN", "en-GB"]) {
    for (const colorScheme of ["light", "dark"]) LOOKS.push({ width, viewport, locale, colorScheme });
  }
}

if (process.argv[1]?.endsWith("shots.mjs")) {
  await openBrowser();
  const { url, stop } = await openHub();
  for (const look of LOOKS) for (const fault of await shoot(url, look)) console.log(fault);
  await stop();
  await closeBrowser();
}
