/** The map with its list, drawn without a request to anybody. */
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

const drawn = (page) =>
  until(
    "the map is drawn",
    async () => (await page.locator(".map-canvas").getAttribute("data-drawn")) !== null,
    40_000,
  );

/** How many pixels of the map, as it is on the screen, have about this colour. */
async function pixels(page, colour) {
  const shot = await page.locator(".map-canvas").screenshot();
  return page.evaluate(
    async ([source, [r, g, b]]) => {
      const image = new Image();
      image.src = source;
      await image.decode();
      const copy = new OffscreenCanvas(image.width, image.height);
      const context = copy.getContext("2d");
      context.drawImage(image, 0, 0);
      const { data } = context.getImageData(0, 0, image.width, image.height);
      let count = 0;
      for (let at = 0; at < data.length; at += 4) {
        const far = Math.abs(data[at] - r) + Math.abs(data[at + 1] - g) + Math.abs(data[at + 2] - b);
        if (far < 12) count += 1;
      }
      return count;
    },
    [`data:image/png;base64,${shot.toString("base64")}`, colour],
  );
}

test("the map is loaded only when it is shown, asks nobody, and leads to a case", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, hub, stop } = await openHub();
  const { page, context, faults } = await openPage(url);
  const asked = [];
  context.on("request", (request) => asked.push(new URL(request.url())));
  await signIn(page, url, "/");
  assert.ok(!asked.some(({ pathname }) => /map|csp/.test(pathname)), "not on the board");
  await page.getByRole("link", { name: "地图", exact: true }).click();
  await drawn(page);
  assert.ok(asked.some(({ pathname }) => /\/assets\/map-draw/.test(pathname)));
  assert.ok(asked.every(({ origin }) => origin === url));
  assert.ok(!asked.some(({ pathname }) => /glyph|font|tile|\.pbf/.test(pathname)));
  await page.locator('[data-target="hazard:hz-1"] button').click();
  await page.getByRole("button", { name: /联系人/ }).click();
  await page.getByRole("link", { name: "0757-0000 0001" }).waitFor();
  // By pointer: the site with the P1 stands in the middle of its grid.
  const box = await page.locator(".map-canvas").boundingBox();
  await page.locator('[data-target="site:lihu"] > button').click();
  await page.locator('[data-target="site:lihu"]').getByRole("link", { name: "厨房烟雾报警" }).waitFor();
  await page.locator('[data-target="site:lihu"] > button').click();
  await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  await page.locator('.map-row-current[data-target="site:lihu"]').waitFor();
  assert.match(page.url(), /at=site%3Alihu/);
  await page.getByRole("link", { name: "厨房烟雾报警" }).click();
  await page.locator(".case-head").waitFor();
  assert.equal(hub.streamsOpened, 1, "one stream for all pages");
  assert.deepEqual(faults, []);
  await context.close();
  await stop();
});

test("a new case changes the map and the list without a reload", { skip: MOCK_ONLY }, async () => {
  const { url, hub, stop } = await openHub({ empty: true });
  const { page, context, faults } = await openPage(url, { colorScheme: "light" });
  await signIn(page, url, "/map");
  await drawn(page);
  assert.equal(await pixels(page, [200, 16, 46]), 0, "nothing red while all is calm");
  await page.locator('[data-target="site:lihu"]').getByText("0 起").waitFor();
  hub.add(SMOKE);
  await page.locator('[data-target="site:lihu"]').getByText("1 起").waitFor();
  const first = await page
    .locator(".map-row")
    .evaluateAll((rows) => rows.slice(0, 2).map((row) => row.dataset.target));
  assert.deepEqual(first.sort(), ["grid:440605004012003", "site:lihu"], "the worst are at the top");
  await until("the sign of a P1 on the map", async () => (await pixels(page, [200, 16, 46])) > 100);
  assert.deepEqual(faults, []);
  await context.close();
  await stop();
});

test("the list does everything by keyboard, also where no map can be drawn", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, stop } = await openHub();
  const { page, context } = await openPage(url);
  await page.addInitScript(() => {
    HTMLCanvasElement.prototype.getContext = () => null;
  });
  await signIn(page, url, "/map");
  await page.getByText("这台电脑画不了地图").waitFor();
  await until("focus on the first place", async () => {
    await page.keyboard.press("Tab");
    return page.evaluate(() => document.activeElement?.closest(".map-row") !== null);
  });
  await page.keyboard.press("Enter");
  await page.locator(".map-cases a").first().waitFor();
  await until("focus on its first case", async () => {
    await page.keyboard.press("Tab");
    return page.evaluate(() => document.activeElement?.closest(".map-cases") !== null);
  });
  await page.keyboard.press("Enter");
  await page.locator(".case-head").waitFor();
  await context.close();
  await stop();
});

test("the map has its pictures in both widths, languages and colours, and axe finds nothing", {
  skip: MOCK_ONLY,
}, async () => {
  const { url, stop } = await openHub();
  const found = [];
  for (const [px, viewport] of [
    ["1440", WIDE],
    ["390", NARROW],
  ]) {
    for (const locale of ["zh-CN", "en-GB"]) {
      const colorScheme = locale === "zh-CN" ? "light" : "dark";
      const { page, context, faults } = await openPage(url, {
        viewport,
        locale,
        colorScheme,
        bypassCSP: true,
      });
      await signIn(page, url, "/map?at=site%3Ajinyuan");
      await drawn(page);
      await page.locator(".map-cases li").first().waitFor();
      await page.screenshot({ path: `${OUTPUT}map-${px}-${locale.slice(0, 2)}.png`, fullPage: px === "390" });
      found.push(...(await checkPage(page, `map ${px} ${locale}`)), ...faults);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wider > 0) found.push(`map ${px} ${locale} is ${wider} px wider than the window`);
      await context.close();
    }
  }
  await stop();
  assert.deepEqual(found, []);
});
