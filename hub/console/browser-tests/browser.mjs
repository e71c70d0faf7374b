/**
 * What the browser tests share: one Chromium, one page per test, and the watch over everything that must
 * never happen: a request to another origin, one that the hub's description does not know, a breach of the
 * content security policy, a script error.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { readContract } from "../dev/contract.mjs";
import { startMock } from "../dev/mock.mjs";

export const OUTPUT = fileURLToPath(new URL("./output/", import.meta.url));
const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=document-user-activation-required",
];

export const WIDE = { width: 1440, height: 900 };
export const NARROW = { width: 390, height: 844 };

/** Set when the tests run against a hub that is already there. */
export const REAL = process.env.GRIDWATCH_URL ?? null;
export const MOCK_ONLY = REAL === null ? false : "needs the mock: it makes the hub do something";

const contract = readContract();
let browser = null;

export async function openBrowser() {
  if (!existsSync(EXECUTABLE)) {
    throw new Error(`no Chromium at ${EXECUTABLE}; install Debian's package \`chromium\` or set CHROMIUM`);
  }
  mkdirSync(OUTPUT, { recursive: true });
  try {
    browser = await chromium.launch({ executablePath: EXECUTABLE, args: ARGUMENTS, timeout: 20_000 });
  } catch (error) {
    throw new Error(`Chromium at ${EXECUTABLE} did not start: ${error.message}`, { cause: error });
  }
}

export async function closeBrowser() {
  await browser?.close();
}

/** A fresh mock, or the hub given by GRIDWATCH_URL. */
export async function openHub(options) {
  if (REAL !== null) return { url: REAL.replace(/\/$/, ""), hub: null, stop: async () => undefined };
  return startMock(options);
}

export const USER = REAL === null ? "officer" : (process.env.GRIDWATCH_USER ?? "officer");
export const PASSWORD = REAL === null ? "officer" : (process.env.GRIDWATCH_PASSWORD ?? "officer");

/** A page in a browser context of its own; `faults` collects what must never happen. */
export async function openPage(
  url,
  { viewport = WIDE, locale = "zh-CN", colorScheme = "light", ...more } = {},
) {
  const context = await browser.newContext({
    viewport,
    locale,
    colorScheme,
    reducedMotion: "reduce",
    timezoneId: "Asia/Shanghai",
    ignoreHTTPSErrors: true,
    ...more,
  });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const faults = [];
  const origin = new URL(url).origin;
  context.on("request", (request) => {
    const to = request.url();
    if (!to.startsWith(origin) && !to.startsWith("data:")) faults.push(`request left the origin: ${to}`);
    const { pathname, searchParams } = new URL(to);
    if (!pathname.startsWith("/api/")) return;
    const type = request.headers()["content-type"];
    const body = type === "application/json" ? request.postData() : null;
    faults.push(...contract.request(request.method(), pathname, searchParams, type, body));
  });
  page.on("pageerror", (error) => faults.push(`script error: ${error.message}`));
  page.on("dialog", (dialog) => {
    faults.push(`a dialog opened: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("console", (message) => {
    if (/Content Security Policy|Content-Security-Policy/.test(message.text())) faults.push(message.text());
  });
  return { page, context, faults };
}

/** Runs one test with a hub and a page of its own, and fails on anything that must never happen. */
export async function withHubAndPage(options, run) {
  const server = await openHub(options);
  const { page, context, faults } = await openPage(server.url, options);
  try {
    await run({ ...server, page, context, faults });
    assert.deepEqual(faults, []);
  } catch (error) {
    // A script error is often why what was waited for never came.
    if (faults.length > 0) error.message += `\nseen on the page: ${faults.join("; ")}`;
    throw error;
  } finally {
    await context.close();
    await server.stop();
  }
}

export async function signIn(page, url, path = "/", user = USER, password = PASSWORD) {
  await page.goto(url + path);
  await page.locator('input[name="username"]').fill(user);
  await page.locator('input[name="password"]').fill(password);
  await page.locator('button[type="submit"]').click();
  await page.locator('#link-state[data-link="live"]').waitFor();
}

/** Goes to another page of the console without loading it anew. */
export async function visit(page, path) {
  await page.evaluate((to) => {
    history.pushState(null, "", to);
    dispatchEvent(new PopStateEvent("popstate"));
  }, path);
}

/** Waits until `check` holds and says what was seen when it never does. */
export async function until(what, check, timeoutMs = 20_000) {
  const end = Date.now() + timeoutMs;
  let last;
  for (;;) {
    try {
      last = await check();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms for ${what}; last seen: ${String(last)}`);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}
