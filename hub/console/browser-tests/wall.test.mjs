/** The wall: seen from three metres, touched by nobody. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { SMOKE } from "../dev/mock-data.mjs";
import { checkPage } from "./axe.mjs";
import {
  closeBrowser,
  MOCK_ONLY,
  NARROW,
  OUTPUT,
  openBrowser,
  openHub,
  openPage,
  signIn,
  until,
  WIDE,
} from "./browser.mjs";

before(openBrowser);
after(closeBrowser);

const p1 = (page) => page.locator(".wall-level").first().locator("strong").innerText();

test("the wall follows by itself, through a cut line and a restart of the hub", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub();
  const { page, context, faults } = await openPage(url);
  await signIn(page, url, "/wall");
  await until("one P1", async () => (await p1(page)) === "1");
  hub.add(SMOKE);
  await until("two P1", async () => (await p1(page)) === "2");
  hub.down = true;
  hub.cut();
  await page.getByText(/与中心断开 .+，以下为 \d\d:\d\d:\d\d 的数据/).waitFor();
  assert.equal(await p1(page), "2", "the last figures stay, marked as old");
  hub.add(SMOKE);
  hub.down = false;
  await until("three P1", async () => (await p1(page)) === "3");
  await page.locator('#link-state[data-link="live"][data-stale="false"]').waitFor();
  assert.equal(await page.locator("button, input, a").count(), 0, "nothing to touch");
  assert.deepEqual(faults, []);
  await context.close();
  await stop();
});

test("a wall that starts while the hub is down comes up once it is there", { skip: MOCK_ONLY }, async () => {
  const { url, hub, stop } = await openHub();
  const { page, context } = await openPage(url);
  await signIn(page, url, "/wall");
  await until("the files are in the browser", () =>
    page.evaluate(
      async () => (await navigator.serviceWorker.getRegistration())?.active?.state === "activated",
    ),
  );
  hub.down = true;
  hub.cut();
  await page.reload();
  await page.getByText("连不上中心，正在重试…").waitFor();
  hub.down = false;
  await until("the figures", async () => (await p1(page)) === "1");
  await context.close();
  await stop();
});

test("a new build of the console is taken over without a hand", { skip: MOCK_ONLY }, async () => {
  const { url, stop } = await openHub();
  const { page, context } = await openPage(url, { serviceWorkers: "block" });
  await page.clock.install();
  await signIn(page, url, "/wall");
  await page.locator(".wall-level").first().waitFor();
  let builds = 0;
  await page.route(`${url}/`, async (route) => {
    builds += 1;
    await route.fulfill({ contentType: "text/html", body: "<script src=/assets/index-new.js></script>" });
  });
  const loaded = page.waitForEvent("load");
  await page.clock.fastForward(6 * 60_000);
  await loaded;
  assert.ok(builds > 0);
  await context.close();
  await stop();
});

test("the wall is legible, needs no scrolling, has its pictures, and axe finds nothing", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, stop } = await openHub();
  const found = [];
  for (const [px, viewport] of [
    ["1440", WIDE],
    ["1920", { width: 1920, height: 1080 }],
    ["390", NARROW],
  ]) {
    for (const locale of ["zh-CN", "en-GB"]) {
      const colorScheme = locale === "zh-CN" ? "dark" : "light";
      const { page, context, faults } = await openPage(url, {
        viewport,
        locale,
        colorScheme,
        bypassCSP: true,
      });
      await signIn(page, url, "/wall");
      await page.locator(".wall-rate").first().waitFor();
      await page.screenshot({ path: `${OUTPUT}wall-${px}-${locale.slice(0, 2)}.png` });
      const seen = await page.evaluate(() => {
        const texts = [...document.querySelectorAll(".wall *")].filter(
          (each) =>
            each.checkVisibility() &&
            [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()),
        );
        const sizes = texts.map((each) => Number.parseFloat(getComputedStyle(each).fontSize));
        const outside = texts.filter((each) => {
          const box = each.getBoundingClientRect();
          return box.bottom > innerHeight + 1 || box.right > innerWidth + 1;
        });
        const root = document.documentElement;
        return {
          smallest: Math.min(...sizes),
          outside: outside.map((each) => each.textContent),
          scrolls: root.scrollHeight > innerHeight || root.scrollWidth > innerWidth,
        };
      });
      if (seen.scrolls) found.push(`${px} ${locale} scrolls`);
      if (seen.outside.length > 0) found.push(`${px} ${locale}: outside the window: ${seen.outside}`);
      // 1.3 % of the width of a screen of 1.2 m is 16 mm.
      if (px !== "390" && seen.smallest < viewport.width * 0.0129)
        found.push(`${px} ${locale}: ${seen.smallest} px`);
      found.push(...(await checkPage(page, `wall ${px} ${locale}`)), ...faults);
      await context.close();
    }
  }
  await stop();
  assert.deepEqual(found, []);
});
