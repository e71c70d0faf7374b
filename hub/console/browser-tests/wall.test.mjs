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

const drawnTimes = (page) => page.locator(".wall .map-canvas").getAttribute("data-drawn").then(Number);

test("the wall's map follows, shows no people, and comes back when the graphics card has lost it", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub({ empty: true });
  const { page, context, faults } = await openPage(url);
  const asked = [];
  context.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await signIn(page, url, "/wall");
  await until("the map", async () => (await drawnTimes(page)) > 0, 40_000);
  const before = await drawnTimes(page);
  hub.add(SMOKE);
  await until("the case on the map", async () => (await drawnTimes(page)) > before);
  assert.equal(await page.locator(".wall .maplibregl-ctrl button").count(), 0, "nothing to touch");
  await page.evaluate(() => {
    const canvas = document.querySelector(".wall canvas");
    const context = canvas.getContext("webgl2") ?? canvas.getContext("webgl");
    window.lostCanvas = canvas;
    context.getExtension("WEBGL_lose_context").loseContext();
  });
  await page.locator(".wall-places").getByText("第三网格").waitFor();
  await until(
    "another map",
    () =>
      page.evaluate(() => {
        const canvas = document.querySelector(".wall canvas");
        return canvas !== null && canvas !== window.lostCanvas;
      }),
    40_000,
  );
  await page.locator(".wall .map-canvas[data-state=drawn]").waitFor();
  assert.equal(await page.locator(".wall-places").count(), 0);
  assert.ok(!asked.some((path) => path.includes("/map/workers")), "a wall is seen by everybody");
  assert.deepEqual(faults, []);
  await context.close();
  await stop();
});

test("where no map can be drawn the wall has the worst grids as a list", { skip: MOCK_ONLY }, async () => {
  const { url, stop } = await openHub();
  const { page, context } = await openPage(url);
  await page.addInitScript(() => {
    HTMLCanvasElement.prototype.getContext = () => null;
  });
  await signIn(page, url, "/wall");
  const first = page.locator(".wall-places li").first();
  await first.waitFor();
  assert.match(await first.innerText(), /第.+网格\s+\d+ 起/);
  await page.screenshot({ path: `${OUTPUT}wall-list-1440-zh.png` });
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
      if (px !== "390") await until("the map", async () => (await drawnTimes(page)) > 0, 40_000);
      await page.screenshot({ path: `${OUTPUT}wall-${px}-${locale.slice(0, 2)}.png` });
      const seen = await page.evaluate(() => {
        const texts = [...document.querySelectorAll(".wall *")].filter(
          (each) =>
            each.checkVisibility() &&
            [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()),
        );
        const sizes = texts.map((each) => Number.parseFloat(getComputedStyle(each).fontSize));
        const outside = texts.filter((each) => {
          // What is cut with an ellipsis is as wide as what cuts it.
          const box = (each.closest(".wall-case-what > *") ?? each).getBoundingClientRect();
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
