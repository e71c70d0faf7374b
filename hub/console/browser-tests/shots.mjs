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

/** Pages of other roles, and those that have a test of their own: for people to look at. */
const MORE = [
  ["sheet", "/cases/6/sheet", "main"],
  ["map", "/map", ".map-canvas[data-drawn]"],
  ["wall", "/wall", ".wall-rate"],
  ["supervision", "/supervision", "main h1", "supervisor"],
  ["tasks", "/tasks", ".task", "worker"],
  ["task", "/tasks/6", "main", "worker"],
  ["report", "/report", "main form", "worker"],
  ["outbox", "/outbox", "main h1", "worker"],
  ...["directory", "people", "rosters", "silences", "channels", "catalogue", "calendar", "audit"].map(
    (section) => [`admin-${section}`, `/admin/${section}`, "main section", "admin"],
  ),
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

/** Pictures of the pages of `MORE`, each as its own user sees it. */
async function shootMore(url, { viewport, width, locale, colorScheme, ...more }) {
  const users = [...new Set(MORE.map(([, , , user]) => user ?? "officer"))];
  for (const user of users) {
    const { page, context } = await openPage(url, { viewport, locale, colorScheme, ...more });
    await signIn(page, url, "/", user, user);
    for (const [name, path, ready, whose] of MORE) {
      if ((whose ?? "officer") !== user) continue;
      await visit(page, path);
      await page.locator(ready).first().waitFor();
      await page
        .getByText(/^(正在载入…|Loading…)$/)
        .first()
        .waitFor({ state: "detached" });
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wider > 0) console.log(`${name} ${width} ${locale} is ${wider} px wider than the window`);
      const file = `${OUTPUT}${name}-${width}-${locale.slice(0, 2)}-${colorScheme}.png`;
      await page.screenshot({ path: file, fullPage: true });
    }
    await context.close();
  }
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
  // 200 % zoom of the wide window: half its pixels.
  const zoomed = { width: "zoom", viewport: { width: 720, height: 450 }, deviceScaleFactor: 2 };
  const looks = [
    ...LOOKS,
    ...["zh-CN", "en-GB"].map((locale) => ({ ...zoomed, locale, colorScheme: "light" })),
  ];
  const wanted = process.argv[2] ?? "";
  for (const look of looks.filter((each) =>
    `${each.width}-${each.locale}-${each.colorScheme}`.includes(wanted),
  )) {
    for (const fault of await shoot(url, look)) console.log(fault);
    if (REAL === null) await shootMore(url, look);
  }
  await stop();
  await closeBrowser();
}
